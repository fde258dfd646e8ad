#!/usr/bin/perl
# pgstyle.pl FILE: write FILE to standard output, formatted by clang-format and
# then as pgindent would where clang-format has no word for it:
#   - the name of a declaration stands 12 columns right of its indentation
#   - a comment after code begins in column 33, or at the next tab stop
#   - a blank between (*function) and (its arguments)
#   - an expression goes on right of the innermost open parenthesis, outside
#     parentheses 4 columns right of its statement
#   - lines of code are neither joined nor broken inside an expression
#   - #define is left as it is
# Lines that clang-format aligned to a line that moved are moved too.
use strict;
use warnings;
use IPC::Open2;

use constant { TAB => 4, DECLARATION => 12, COMMENT => 32 };

# the column after a text that begins in column 0
sub width
{
	my ($text) = @_;
	my $column = 0;
	for my $c (split //, $text)
	{
		$column = $c eq "\t" ? $column + TAB - $column % TAB : $column + 1;
	}
	return $column;
}

# whitespace from one column to another: tabs, but none for a single column,
# unless more follow
sub blank
{
	my ($from, $to) = @_;
	my $s = '';
	while ((my $next = $from + TAB - $from % TAB) <= $to)
	{
		$s .= $next - $from == 1 && $next + TAB > $to ? ' ' : "\t";
		$from = $next;
	}
	return $s . ' ' x ($to - $from);
}

sub shift_line
{
	my ($line, $delta) = @_;
	my ($indent, $rest) = $line =~ /^(\s*)(.*)$/s;
	return $line if $delta == 0 || $rest eq '';
	my $column = width($indent) + $delta;
	return $column > 0 ? ("\t" x int($column / TAB)) . (' ' x ($column % TAB)) . $rest : $rest;
}

# Go through a line of code: @open has, for each bracket open at its end, the
# character, its column, and whether text follows it on its line.
my @open;

sub brackets
{
	my ($code) = @_;
	my $column = 0;
	$code =~ s{("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|/\*.*?\*/)}{'"' x length $1}ge;
	for my $i (0 .. length($code) - 1)
	{
		my $c = substr $code, $i, 1;
		if ($c eq '(' || $c eq '[' || ($c eq '{' && @open))
		{
			push @open, [ $c, $column, substr($code, $i + 1) =~ /\S/ ];
		}
		elsif ($c eq ')' || $c eq ']' || ($c eq '}' && @open))
		{
			pop @open;
		}
		$column = $c eq "\t" ? $column + TAB - $column % TAB : $column + 1;
	}
	return;
}

# where a line that begins inside brackets belongs, or undef: where it is
sub inside
{
	my ($bracket, $column, $text_after) = @{ $open[-1] };
	return $bracket eq '{' || !$text_after ? undef : $column + 1;
}

my $not_a_type = qr/^(?:return|goto|else|case|break|continue|typedef|do|if|for|while|switch|default|define)\b/;

# (line, column of further names that are declared, or undef)
sub declaration
{
	my ($line) = @_;
	my ($indent, $rest) = $line =~ /^(\t*)(.*)$/s;
	return ($line, undef) if $rest =~ $not_a_type;
	my ($type, $stars, $name);
	$rest =~ s/^\} (\w+;)$/'}' . blank(width($indent) + 1, width($indent) + DECLARATION) . $1/e if $indent ne '';
	if ($rest =~ /^((?:\w+ )*?\w+) (\**)(\w+(?:;|,| = | =$|\[|:\d| PG_USED_\w+;).*)$/s
		|| $rest =~ /^((?:\w+ )*\w+) (\**)(\(\*\w+\)(?: \(|\[).*)$/s
		|| ($indent eq '' && $rest =~ /^((?:\w+ )*\w+) (\**)(\w+\(.*)$/s))
	{
		($type, $stars, $name) = ($1, $2, $3);
	}
	else
	{
		return ($indent . $rest, undef);
	}
	my $from = width($indent) + length $type;
	my $to = width($indent) + DECLARATION - length $stars;
	$to = $from + 1 if $to <= $from;
	return ($indent . $type . blank($from, $to) . $stars . $name, width($indent) + DECLARATION);
}

# clang-format with every #define (and its continuation lines) hidden from it,
# and a mark on each line that goes on in the next, so that it joins none
sub clang_format
{
	my ($file) = @_;
	my ($hidden, $macro, $in_comment) = ('', 0, 0);

	open my $in, '<', $file or die "$file: $!\n";
	chomp(my @lines = <$in>);
	close $in;
	for my $i (0 .. $#lines)
	{
		my $line = $lines[$i];
		my $next = $i < $#lines ? $lines[$i + 1] : '';

		if ($macro || $line =~ /^\s*#/)
		{
			my $define = $line =~ /^\s*#\s*define\b/;
			$hidden .= "/* clang-format off */\n" if !$macro && $define;
			$hidden .= "$line\n";
			my $more = $line =~ /\\$/;
			$hidden .= "/* clang-format on */\n" if !$more && ($macro == 2 || $define);
			$macro = $more ? ($define || $macro == 2 ? 2 : 1) : 0;
			next;
		}
		if (!$in_comment && ($line =~ m{[^\s;{}]$} || ($line =~ /\}$/ && $next =~ /^\s*\}[;,]/)) && $line !~ m{/[/*]} && $next =~ /\S/ && $next !~ /^\s*[{#]/)
		{
			$line .= ' //pgstyle';
		}
		if ($in_comment)
		{
			$in_comment = 0 if $line =~ m{\*/};
		}
		elsif ($line =~ m{/\*(?!.*\*/)})
		{
			$in_comment = 1;
		}
		$hidden .= "$line\n";
	}

	# clang-format reads all before it writes, so one pipe each way is safe
	my $pid = open2(my $from, my $to, 'clang-format', '--style=file', "--assume-filename=$file");
	print $to $hidden;
	close $to;
	my $text = do { local $/; <$from> };
	waitpid $pid, 0;
	die "$file: clang-format failed\n" if $? != 0;

	$text =~ s{^[ \t]*/\* clang-format off \*/\n(\s*#\s*define\b(?:[^\n]*\\\n)*[^\n]*\n)[ \t]*/\* clang-format on \*/\n}{$1}gm;
	my @joined;
	my $comment = 0;
	for my $line (split /^/, $text)
	{
		my $commented = $comment;
		$comment = 0 if $comment && $line =~ m{\*/};
		$comment = 1 if !$commented && $line =~ m{/\*(?!.*\*/)};
		if (@joined && !$commented && $joined[-1] =~ m{[^\s;{}]\n} && $joined[-1] !~ m{//|\*/$|^\s*#|^\w.*\*$|\\$}
			&& ($line =~ /^\s+(?:[?:] |->)/ || $line =~ /^\s+:$/ || $line =~ m{^\s+:\s*// ?pgstyle$} || $joined[-1] =~ m{ (?:[-+*/%&|=]|&&|\|\|)$|\)[^(;]*,$})
			&& $joined[-1] !~ /^\s*(?:case\b.*|default):$/ && $line !~ m{^\s*[{}#/]})
		{
			$line =~ s/^\s+/ /;
			$line =~ s/^ ->/->/;
			$joined[-1] =~ s/\n//;
			$joined[-1] .= $line;
			next;
		}
		push @joined, $line;
	}
	$text = join '', @joined;
	$text =~ s{[ \t]*//[ ]?pgstyle$}{}gm;
	# safeguard against mistakes above: only blanks may differ
	my ($before, $after) = (join('', @lines), $text =~ s{^[ \t]*/\* clang-format o(?:n|ff) \*/\n}{}gmr);
	s/\s+//g for $before, $after;
	die "$file: clang-format changed more than blanks\n" if $before ne $after;
	# it takes the bracket after a macro's arguments for a new statement
	$text =~ s/\)\n\t+\[/)[/g;
	$text =~ s/\[(\w+)\.\.\. /[$1 ... /g;
	return split /^/, $text;
}

my ($in_comment, $comment_delta, $comment_column) = (0, 0, undef);
my ($delta, $macro, $statement) = (0, 0, 0);
my ($last, $name_column) = ('', undef);

foreach my $line (clang_format($ARGV[0]))
{
	chomp $line;
	if ($in_comment)
	{
		$in_comment = 0 if $line =~ m{\*/};
		if (defined $comment_column && $line =~ /^\s*(\*.*)$/)
		{
			print "\t" x ($comment_column / TAB), ' ' x ($comment_column % TAB), "$1\n";
		}
		else
		{
			print shift_line($line, $comment_delta), "\n";
		}
		next;
	}
	if ($macro || ($line =~ /^\s*#/ && $line =~ /\\$/) || $line =~ /^\s*#\s*define\b/)
	{
		$macro = $line =~ /\\$/;
		print "$line\n";
		next;
	}
	if ($line =~ m{^\s*/\*})
	{
		my $column = @open ? inside() : undef;
		$in_comment = $line !~ m{\*/};
		$comment_column = undef;
		$comment_delta = defined $column ? $column - width(($line =~ /^(\s*)/)[0]) : @open ? $delta : 0;
		print shift_line($line, $comment_delta), "\n";
		next;
	}

	# code, and the comment after it
	my ($code, $comment) = ($line, '');
	my $bare = $line;
	$bare =~ s{("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')}{'"' x length $1}ge;
	if (my ($left, $right) = $bare =~ m{^(.*?\S) (/\*.*)$})
	{
		($code, $comment) = (substr($line, 0, length $left), substr($line, length($left) + 1))
			if $right !~ m{\*/.*\S} || $right =~ m{\*/$};
	}

	unless ($code =~ /^\s*#/)
	{
		my $indent = width(($code =~ /^(\s*)/)[0]);
		$code =~ s/(\(\*+\w+\))\(/$1 (/g;
		$code =~ s/(\([\w ]+(?: \*+)?\))\{/$1 {/g;
		$code =~ s/, \.\.\.\)/,...)/;
		$code =~ s/(\w)\(\*\)/$1 (*)/g;
		if (@open)
		{
			my $column = inside();
			$delta = $column - $indent if defined $column && $code =~ /\S/ && $code !~ /^\s*[{}]/;
			$code = shift_line($code, $delta);
		}
		elsif (($last =~ m{(?:[-+*/%&|^?=<>]|[ )]:)$} || $code =~ m{^\s+(?:[-+*/?:|<>=]|&&|\|\||[=!]=) }) && $code !~ /^\s*[{}#]/
			&& !($statement == 0 && $last =~ /\*$/))
		{
			$delta = $statement + TAB - $indent;
			$code = shift_line($code, $delta);
		}
		elsif (defined $name_column && $last =~ /,$/ && $code =~ /^\s*(\**)\w/)
		{
			$delta = $name_column - length($1) - $indent;
			$code = shift_line($code, $delta);
		}
		else
		{
			my $before = width($code);
			$statement = $indent;
			($code, $name_column) = declaration($code);
			$delta = width($code) - $before;
		}
		brackets($code);
		$last = @open ? '' : $code;
		$name_column = undef if !@open && $code =~ /[;{}]$/;
	}
	if ($comment ne '')
	{
		my $from = width($code);
		my $to = $from < COMMENT ? COMMENT : $from + TAB - $from % TAB;
		$in_comment = $comment !~ m{\*/};
		$comment_column = $to + 1;
		$comment_delta = 0;
		$code .= blank($from, $to) . $comment;
	}
	print "$code\n";
}
