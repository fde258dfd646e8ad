#!/usr/bin/env perl
# ascii.pl FILE…: list characters that are not ASCII in string literals of C, and
# in SQL outside of comments. A message that the client's encoding cannot express
# does not reach the client. Exit status 1 if there is any.
use strict;
use warnings;

my $status = 0;
foreach my $file (@ARGV)
{
	open(my $handle, '<', $file) or die "$file: $!\n";
	my $text = do { local $/; <$handle> };
	my $token =
		$file =~ /\.sql$/
	  ? qr{--[^\n]*|/\*.*?\*/|([^\x00-\x7f]+)|.}s
	  : qr{/\*.*?\*/|//[^\n]*|'(?:\\.|[^'\\\n])+'|("(?:\\.|[^"\\])*")|.}s;

	while ($text =~ /$token/g)
	{
		next unless defined $1 && $1 =~ /[^\x00-\x7f]/;
		my ($found, $line) = ($1, 1 + (substr($text, 0, $-[1]) =~ tr/\n//));
		print "$file:$line: $found\n";
		$status = 1;
	}
}
exit $status;
