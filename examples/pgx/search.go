// barq from Go with pgx 4: go run search.go ../items.tsv
// (Debian's packages: GOPATH=/usr/share/gocode GO111MODULE=off)
package main

import (
	"bufio"
	"context"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/jackc/pgx/v4"
)

// what an embedding model makes of the words; a vector is sent as its text
const redShoes, hats = "[0.9,0.2,0.1]", "[0.1,0.9,0.2]"

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// All statements of a batch go in one round trip.
func load(ctx context.Context, db *pgx.Conn, path string) {
	file, err := os.Open(path)
	check(err)
	defer file.Close()
	batch := &pgx.Batch{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		f := strings.Split(lines.Text(), "\t")
		batch.Queue("INSERT INTO items (id, tenant, title, embedding) VALUES ($1::text::bigint, $2::text::int, $3, $4::text::vector)",
			f[0], f[1], f[2], f[3])
	}
	check(db.SendBatch(ctx, batch).Close())
}

func show(ctx context.Context, db *pgx.Conn, name string, sql string, parameters ...interface{}) {
	rows, err := db.Query(ctx, sql, parameters...)
	check(err)
	fmt.Print(name, ":")
	for rows.Next() {
		values, err := rows.Values()
		check(err)
		fmt.Print(" ", strings.ReplaceAll(strings.Trim(fmt.Sprint(values), "[]"), " ", "="))
	}
	check(rows.Err())
	fmt.Println()
}

func main() {
	ctx := context.Background()
	db, err := pgx.Connect(ctx, "") // PGHOST, PGDATABASE and so on
	check(err)
	defer db.Close(ctx)
	load(ctx, db, os.Args[1])
	show(ctx, db, "nearest", "SELECT id FROM items ORDER BY embedding <=> $1::text::vector LIMIT 3", redShoes)
	show(ctx, db, "words", "SELECT id FROM items ORDER BY title <@> $1::text LIMIT 3", "red shoes")
	show(ctx, db, "filter", "SELECT id FROM items WHERE tenant = $1 ORDER BY embedding <=> $2::text::vector LIMIT 3", 1, redShoes)
	show(ctx, db, "batch", "SELECT query, (doc).id FROM barq_search_batch(NULL::items, $1::text[]::vector[], k => 2)",
		[]string{redShoes, hats})
	show(ctx, db, "hybrid", `SELECT (doc).id FROM barq_hybrid(NULL::items, $1::text::vector, $2::text, k => 3,
		filter => 'tenant = $1', filter_args => ARRAY[$3::int])`, redShoes, "red shoes", 1)
}
