"""barq from Python with psycopg 3: python3 search.py ../items.tsv

A vector is sent as its text, '[0.9, 0.2, 0.1]', which str() makes of a list.
"""
import sys

import psycopg

RED_SHOES = str([0.9, 0.2, 0.1])  # what an embedding model makes of the words
HATS = str([0.1, 0.9, 0.2])


def show(name, rows):
    print(name + ":", *("=".join(map(str, row)) for row in rows))


with psycopg.connect("", autocommit=True) as conn:  # PGHOST, PGDATABASE and so on
    with open(sys.argv[1]) as items, conn.cursor().copy("COPY items (id, tenant, title, embedding) FROM STDIN") as copy:
        for line in items:
            copy.write_row(line.rstrip("\n").split("\t"))

    show("nearest", conn.execute("SELECT id FROM items ORDER BY embedding <=> %s::vector LIMIT 3", [RED_SHOES]))
    show("words", conn.execute("SELECT id FROM items ORDER BY title <@> %s::text LIMIT 3", ["red shoes"]))
    show("filter", conn.execute(
        "SELECT id FROM items WHERE tenant = %s ORDER BY embedding <=> %s::vector LIMIT 3", [1, RED_SHOES]))
    show("batch", conn.execute(
        "SELECT query, (doc).id FROM barq_search_batch(NULL::items, %s::text[]::vector[], k => 2)", [[RED_SHOES, HATS]]))
    show("hybrid", conn.execute(
        "SELECT (doc).id FROM barq_hybrid(NULL::items, %s::vector, %s, k => 3,"
        " filter => 'tenant = $1', filter_args => ARRAY[%s])", [RED_SHOES, "red shoes", 1]))
