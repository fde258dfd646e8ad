# What the sources say, for docs/reference/: index options (add_*_reloption) and
# messages (ereport). Runs in the top folder of a checkout.
package MakeReferenceSources;

use strict;
use utf8;
use warnings;

use Exporter 'import';
use File::Basename qw(dirname);

our @EXPORT = qw(slurp code cell wrapped size source_options source_messages);

sub slurp
{
	my ($path) = @_;
	open(my $file, '<:encoding(UTF-8)', $path) or die "$path: $!";
	local $/ = undef;
	return scalar <$file>;
}

# A text as code within a table
sub code
{
	my ($text) = @_;
	$text =~ s/\|/\\|/g;
	return $text =~ /`/ ? "`` $text ``" : "`$text`";
}

# A text within a table or a list: nothing in it is Markdown
sub cell
{
	my ($text) = @_;
	$text =~ s/([\\*<|\[\]`]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))/\\$1/g;
	return $text;
}

# A paragraph of lines below 100 characters
sub wrapped
{
	my ($text) = @_;
	my ($lines, $line) = ('', '');
	foreach my $word (split /\s+/, cell($text))
	{
		if (length($line) + length($word) > 95)
		{
			$lines .= "$line\n";
			$line = '';
		}
		$line .= $line eq '' ? $word : " $word";
	}
	return "$lines$line";
}

# A number of a unit of pg_settings, in the largest unit in which it is whole.
sub size
{
	my ($value, $unit) = @_;
	my @units = qw(kB MB GB TB);
	my ($at) = grep { $units[$_] eq $unit } 0 .. $#units;
	return "$value$unit" if !defined $at;
	while ($value > 0 && $value % 1024 == 0 && $at < $#units)
	{
		$value /= 1024;
		$at++;
	}
	return $value eq '0' ? '0' : "$value$units[$at]";
}

my %sources;

# The code of each source file, without comments
sub sources
{
	if (!%sources)
	{
		foreach my $path (sort glob('src/*.[ch] src/*/*.[ch]'))
		{
			my $text = slurp($path);
			$text =~ s{("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])')|/\*.*?\*/}{$1 // ' '}sge;
			$sources{$path} = $text;
		}
	}
	return \%sources;
}

my %macros;

# The value of a #define of a number, else the name itself
sub value
{
	my ($name) = @_;
	if (!%macros)
	{
		%macros = (INT_MAX => 2147483647);
		foreach my $text (values %{ sources() })
		{
			$macros{$1} = $2 while $text =~ /^#define\s+(\w+)[ \t]+\(?([^\n]+?)\)?[ \t]*$/mg;
		}
	}
	for (1 .. 5)
	{
		last if $name !~ /[A-Za-z_]/;
		$name =~ s/\b([A-Za-z_]\w*)\b/$macros{$1} \/\/ $1/ge;
	}
	return $name =~ /^[\d\s()*+-]+$/ ? eval $name : $name;
}

# Arguments of a call, from its text between the parentheses
sub arguments
{
	my ($text) = @_;
	my @list;
	my $argument = '';
	my $depth = 0;
	foreach my $token ($text =~ /("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|.)/sg)
	{
		$depth++ if $token =~ /^[({]$/;
		$depth-- if $token =~ /^[)}]$/;
		if ($token eq ',' && $depth == 0)
		{
			push @list, $argument =~ s/^\s+|\s+$//gr;
			$argument = '';
			next;
		}
		$argument .= $token;
	}
	push @list, $argument =~ s/^\s+|\s+$//gr;
	return @list;
}

my $call = qr/(\((?:[^()"']++|"(?:\\.|[^"\\])*+"|'(?:\\.|[^'\\])'|(?-1))*+\))/s;

# The string literals of an expression, joined where they stand side by side; the
# alternatives of ?: are texts of their own. Formats become an ellipsis.
sub texts
{
	my ($expression) = @_;
	my @found;
	$expression =~ s/\b(?:UINT64_FORMAT|INT64_FORMAT)\b/"%d"/g;

	# literals side by side are one
	$expression =~ s/((?:"(?:\\.|[^"\\])*"\s*)+)/'"' . join('', $1 =~ m{"((?:\\.|[^"\\])*)"}g) . '"'/ge;
	my ($first) = arguments($expression);
	foreach my $text ($first =~ /"((?:\\.|[^"\\])*)"/g)
	{
		$text =~ s/\\(.)/$1/g;
		$text =~ s/%m/…/g;
		$text =~ s/%%/\x01/g;
		$text =~ s/%[-+0-9.*]*(?:zu|lld|llu|ld|lu|[a-z])/…/g;
		$text =~ s/\x01/%/g;
		push @found, $text;
	}
	return @found;
}

sub source_options
{
	my %places = (hnsw_kind => 'hnsw', ivf_kind => 'ivf', text_options => 'bm25', policy => 'policy');
	my @options;
	my %sizes;
	foreach my $path (sort keys %{ sources() })
	{
		my $text = sources()->{$path};
		while ($text =~ /SizeOption\s+\w+\s*=\s*\{\s*"(\w+)",\s*(GUC_UNIT_\w+),\s*(\w+),\s*(\w+)\s*\}/g)
		{
			my ($name, $unit, $least, $most) = ($1, $2, value($3), value($4));
			my $suffix = $unit eq 'GUC_UNIT_KB' ? 'kB' : 'MB';
			$sizes{$name} = size($least, $suffix) . ' to ' . size($most, $suffix);
		}
	}
	foreach my $path (sort keys %{ sources() })
	{
		my $text = sources()->{$path};
		my ($stem) = $path =~ /(\w+)\.c$/ or next;
		while ($text =~ /add_(int|real|bool|enum|string)_reloption\s*$call/g)
		{
			my ($kind, $arguments) = ($1, substr($2, 1, -1));
			my @argument = arguments($arguments);
			my ($name) = texts($argument[1]);
			my ($description) = texts($argument[2]);
			my $default = $argument[ $kind eq 'enum' ? 4 : 3 ];
			my $values = $kind eq 'bool' ? '`on`, `off`' : 'a text';
			if ($kind eq 'int' || $kind eq 'real')
			{
				$values = value($argument[4]) . ' to ' . value($argument[5]);
				$default = value($default);
			}
			elsif ($kind eq 'enum')
			{
				# declared in the function, else in the file
				my ($list) = ($text =~ /(?:.*)\brelopt_enum_elt_def\s+\Q$argument[3]\E\[\]\s*=\s*\{(.*?)\};/s);
				my %named = defined $list ? reverse $list =~ /\{\s*"(\w+)",\s*(\w+)\s*\}/g : ();
				my @names = defined $list ? $list =~ /\{\s*"(\w+)",/g : codec_names();
				$values = join ', ', map { code($_) } @names;
				$default = $named{$default} // $default;
				$default = 'sq8; none for sparsevec and bit' if $default eq 'BARQ_QUANT_DEFAULT';
			}
			elsif ($kind eq 'string')
			{
				$values = $sizes{$name} // 'a text';
				$default = defined $sizes{$name} ? 'NOT_GIVEN' : 'none: required';
			}
			$default = 'on' if $kind eq 'bool' && $default eq 'true';
			$default = 'off' if $kind eq 'bool' && $default eq 'false';
			$default = $default =~ /NOT_GIVEN/ || $default eq value('NOT_GIVEN') ? ($name eq 'memory' ? '`auto`' : "setting `barq.$name`") : $default =~ /[ ;]/ ? $default : code($default);
			my $of = $places{$stem} ? { $places{$stem} => 1 } : { hnsw => 1, ivf => 1 };
			push @options, { name => $name, description => "$description.", values => $values, default => $default, of => $of };
		}
	}
	die "no index options found in src/\n" if @options == 0;
	return sort { $a->{name} cmp $b->{name} } @options;
}

# Names that quantization takes: of the codecs that any type may have, in the order in
# which they are declared
sub codec_names
{
	my (@forms, %names);
	foreach my $path (sort keys %{ sources() })
	{
		my $text = sources()->{$path};
		push @forms, $1 while $text =~ /^extern const BarqCodecForm (\w+);/mg;
		while ($text =~ /^const BarqCodecForm (\w+) = \{(.*?)^\};/msg)
		{
			my ($form, $body) = ($1, $2);
			$names{$form} = $1 if $body !~ /\.only_form = true/ && $body =~ /\.name = "(\w+)"/;
		}
	}
	my @names = map { $names{$_} // () } @forms;
	die "no codecs found in src/\n" if @names == 0;
	return @names;
}

# SQLSTATE by the name of its macro, from the server's errcodes.txt and from src/
sub sqlstates
{
	my %states;
	my $share = `pg_config --sharedir`;
	chomp $share;
	foreach my $line (split /\n/, slurp("$share/errcodes.txt"))
	{
		$states{$2} //= [ $1, lc($3 // substr($2, 8)) ] if $line =~ /^(\w{5})\s+\w\s+(ERRCODE_\w+)(?:\s+(\w+))?/;
	}
	return %states;
}

# Subjects of messages, by folder
my @subjects = (
	[ 'Types and operators', qr{^src/types/} ],
	[ 'Creating and altering indexes', qr{^src/(?:am|vector_index|text_index)/(?:options|no_class|hnsw_kind|ivf_kind|text_options|text_config|space|build\w*)\.c|^src/lifecycle/policy\.c|^src/admin/ddl\.c|^src/am/am\.h} ],
	[ 'Text queries', qr{^src/(?:text|text_index)/} ],
	[ 'barq_hybrid() and barq_search_batch()', qr{^src/hybrid/} ],
	[ 'Administration', qr{^src/admin/|^src/am/content_rights\.c} ],
	[ 'Settings, memory, workers', qr{^src/(?:base|worker|memory|launcher)/} ],
	[ 'Searching, storing, merging', qr{^src/} ]);

# Sections of messages, and a hash of SQLSTATEs
sub source_messages
{
	my %states = sqlstates();
	my @advice = map { /^(\S+)\t(.*?)\t(.*)$/ ? [ $1, $2, $3 ] : () } grep { !/^#/ } split /\n/, slurp('docs/reference/advice.txt');
	my (%sections, %seen, %codes);
	my @used = (0) x @advice;

	foreach my $path (sort keys %{ sources() })
	{
		next if $path =~ m{^src/base/steps\.c$};
		my $text = sources()->{$path};
		while ($text =~ /\bereport\s*$call/g)
		{
			my $body = substr($1, 1, -1);
			my ($level) = $body =~ /^\s*([^,]+?)\s*,/;
			next if $level =~ /DEBUG|LOG/ || $body !~ /errmsg/;
			$level = $level =~ /ERROR/ ? 'ERROR' : $level =~ /FATAL/ ? 'FATAL' : $level;
			my ($macro) = $body =~ /errcode\(\s*(\w+)\s*\)/;
			my ($code, $name) = defined $macro ? @{ $states{$macro} // [ '?', $macro ] } : $body =~ /errcode_for_file_access/ ? ('58030', 'of the file error') : $level eq 'ERROR' ? ('XX000', 'internal_error') : ('00000', 'successful_completion');
			next if $code eq '?' || $code eq 'XX000';
			$code = '01000' if $level eq 'WARNING' && $code eq '00000';
			my (@texts, @details, @hints);
			push @texts, texts(substr($1, 1, -1)) while $body =~ /\berrmsg(?:_internal)?\s*$call/g;
			push @details, texts(substr($1, 1, -1)) while $body =~ /\berrdetail(?:_internal)?\s*$call/g;
			push @hints, texts(substr($1, 1, -1)) while $body =~ /\berrhint\s*$call/g;
			@texts = grep { $_ ne '…' } @texts;
			@details = grep { $_ ne '…' } @details;
			@hints = grep { $_ ne '…' } @hints;
			next if @texts == 0;
			my $key = join "\0", $level, $code, @texts;
			next if $seen{$key}++;
			my $advice;
			foreach my $i (0 .. $#advice)
			{
				my ($for, $pattern, $todo) = @{ $advice[$i] };
				next if ($for ne '*' && $for ne $code) || !grep { /$pattern/ } @texts;
				$advice = $todo if !defined $advice && ($pattern ne '.' || @hints == 0);
				$used[$i] = 1;
			}
			die "$path: nothing says what to do about \"$texts[0]\" ($code): give it a hint, or a line in docs/reference/advice.txt\n" if @hints == 0 && !defined $advice;
			my ($subject) = grep { $path =~ $subjects[$_][1] } 0 .. $#subjects;
			push @{ $sections{$subject} }, { level => $level, code => $code, texts => \@texts, details => \@details, hints => \@hints, advice => $advice };
			$codes{$code}{name} = $code eq '58030' ? 'io_error, or another code of the file error' : $code eq '01000' ? 'warning' : $code eq '00000' ? 'notice' : $states{$macro}[1];
			$codes{$code}{count}++;
		}
	}
	foreach my $i (0 .. $#advice)
	{
		die "docs/reference/advice.txt: no message for \"$advice[$i][1]\"\n" if !$used[$i];
	}
	my @list = map { [ $subjects[$_][0], sort { "@{ $a->{texts} }" cmp "@{ $b->{texts} }" } @{ $sections{$_} } ] } sort { $a <=> $b } keys %sections;
	return (\@list, \%codes);
}

1;
