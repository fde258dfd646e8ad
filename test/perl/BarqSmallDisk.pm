# A small disk to fill up: a tmpfs that only the test and its server see. Loaded
# before any other module, because the test starts itself again in a mount namespace
# of its own. `small_disk()` is its folder, or '' where the user may not mount one.
package BarqSmallDisk;

use strict;
use warnings;

use Exporter 'import';

our @EXPORT = qw(small_disk fill_disk free_disk);

if (!defined $ENV{BARQ_SMALL_DISK})
{
	my $folder = "$ENV{TESTDATADIR}/small";
	my @alone = ('unshare', '--user', '--map-current-user', '--keep-caps', '--mount', 'sh', '-c',
		'mount -t tmpfs -o size=32m tmpfs "$0" && exec setpriv --inh-caps=-all --ambient-caps=-all "$@"', $folder);

	mkdir $folder;
	$ENV{BARQ_SMALL_DISK} = $folder;
	if (system("@{[ map { qq{'$_'} } @alone ]} true >/dev/null 2>&1") == 0)
	{
		exec @alone, $^X, (map { "-I$_" } @INC), $0;
	}
	$ENV{BARQ_SMALL_DISK} = '';
}

sub small_disk { return $ENV{BARQ_SMALL_DISK}; }

# Fill the disk to the last byte, or but for so many bytes.
sub fill_disk
{
	my ($leave) = @_;
	my $ballast = small_disk() . '/ballast';

	unlink $ballast;
	open my $handle, '>', $ballast or die "$ballast: $!";
	foreach my $size (65536, 512)
	{
		my $block = 'x' x $size;
		while (defined syswrite $handle, $block) { }
	}
	truncate $handle, (-s $handle) - $leave if $leave;
	close $handle;
	return;
}

sub free_disk
{
	unlink small_disk() . '/ballast';
	return;
}

1;
