-- complain if the script is run by psql and not by CREATE EXTENSION
\echo Use "CREATE EXTENSION barq" to load this file. \quit

