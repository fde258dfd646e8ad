# The pages of docs/reference/ are what scripts/make-reference.pl makes of the catalogue
# and of the sources. Where a message has neither a hint nor advice, the script fails.
use strict;
use warnings;

use File::Basename qw(dirname);
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('reference');
$node->init;
$node->start;

my $top = dirname(__FILE__) . '/../..';
local $ENV{PGHOST} = $node->host;
local $ENV{PGPORT} = $node->port;
local $ENV{PGUSER} = (getpwuid($>))[0];
my $out;
my $current = IPC::Run::run([ $^X, "$top/scripts/make-reference.pl", '--check' ], '>', \$out, '2>&1');
ok($current, 'docs/reference/ is current') or diag($out);

# a page that lacks a line is found out
my $copy = PostgreSQL::Test::Utils::tempdir;
system('cp', '-a', map({ "$top/$_" } qw(docs scripts src)), $copy) == 0 or die;
my $page = slurp_file("$copy/docs/reference/settings.md");
ok($page =~ s/^## `barq\.ef_search`\n//m, 'settings.md has barq.ef_search');
open(my $file, '>', "$copy/docs/reference/settings.md") or die;
print $file $page;
close $file;
ok(!IPC::Run::run([ $^X, "$copy/scripts/make-reference.pl", '--check' ], '>', \$out, '2>&1'), 'a stale page is an error');
like($out, qr{docs/reference/settings\.md is stale.*\+## `barq\.ef_search`}s, 'which says what to run and what differs');
done_testing();
