# Some seconds of torture (test/perl/BarqTorture.pm); `make torture [MINUTES=30]
# [SEED=…]` runs longer. TORTURE_SECONDS, TORTURE_SEED.
use strict;
use warnings;

use Test::More;

use BarqTorture;

BarqTorture::run($ENV{TORTURE_SECONDS} // 12, $ENV{TORTURE_SEED} || int(rand 1000000));
done_testing();
