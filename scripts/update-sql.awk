# update-sql.awk: the extension's update script, made from the script of an older
# version and the parts of the present one.
#
#   awk -f scripts/update-sql.awk OLD.sql HAND.sql PART.sql ...
#
# Prints, in this order:
#   1. HAND.sql up to its line "-- then": what goes, what changes in place
#   2. each statement of the parts that OLD.sql has not, word for word (comments and
#      spaces aside); CREATE FUNCTION as CREATE OR REPLACE FUNCTION
#   3. the rest of HAND.sql: what needs the new objects
# A changed statement that cannot be repeated (another definition of an operator,
# class, type, cast ... of OLD.sql) must be named by a line of HAND.sql,
# "-- by hand: CREATE OPERATOR CLASS bm25_ops", and is left to it; one that is not
# named is an error. Statements that are no longer there are found by
# test/t/105_update.pl, which compares the catalogue after an update with that of a
# new installation.
#
# A statement ends at a line that ends in ";", outside of $$ ... $$ and of
# BEGIN ATOMIC ... END.

# What a statement makes, by which an old definition of it is recognised.
function key(s,    k)
{
	k = s
	if (k ~ /^CREATE OPERATOR CLASS/) { sub(/ AS .*/, "", k); sub(/ (DEFAULT )?FOR TYPE [^ ]+/, "", k); sub(/ FAMILY .*/, "", k) }
	else if (k ~ /^CREATE (ACCESS METHOD|EVENT TRIGGER|OPERATOR FAMILY)/) { sub(/ (TYPE INDEX|ON) .*/, "", k); sub(/;$/, "", k) }
	else if (k ~ /^CREATE OPERATOR/) sub(/, FUNCTION.*/, "", k)
	else if (k ~ /^CREATE CAST/) sub(/\) W.*/, ")", k)
	else if (k ~ /^CREATE TYPE [^ ]+;/) return ""
	else if (k ~ /^CREATE TYPE/) sub(/ \(.*/, "", k)
	else if (k ~ /^CREATE AGGREGATE/) sub(/\) \(.*/, ")", k)
	else return ""
	return k
}

function words(s)
{
	gsub(/[ \t\n]+/, " ", s)
	gsub(/^ | $/, "", s)
	return s
}

function statement(text,    s, k)
{
	s = words(text)
	k = key(s)
	if (input == 1) {
		old[s] = 1
		if (k != "") olds[k] = 1
		return
	}
	if (s in old)
		return
	if (k != "" && (k in olds)) {
		if (!(k in hand)) {
			print FILENAME ": no hand-written line for the change of: " k | "cat >&2"
			failed = 1
		}
		return
	}
	sub(/^CREATE FUNCTION/, "CREATE OR REPLACE FUNCTION", text)
	print text
}

FNR == 1 { input++; text = ""; dollars = 0; atomic = 0 }
# the head of the parts belongs to CREATE EXTENSION alone
FILENAME ~ /(^|\/)00-head\.sql$/ { next }
input == 2 {
	if (/^-- by hand: /) hand[substr($0, 13)] = 1
	else if (/^-- then$/) later = 1
	else if (later) rest = rest $0 "\n"
	else print
	next
}
text == "" && (/^[ \t]*$/ || /^--/ || /^\\/) { next }
{
	text = text == "" ? $0 : text "\n" $0
	line = $0
	dollars += gsub(/\$\$/, "", line)
	if (/^BEGIN ATOMIC/) atomic = 1
	if (/^END;/) atomic = 0
	if (/;[ \t]*$/ && dollars % 2 == 0 && !atomic) {
		statement(text)
		text = ""
	}
}
END {
	printf "%s", rest
	if (failed) exit 1
}
