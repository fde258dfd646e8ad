-- The four ways of demo/filters.sql, each by itself. :explain may be 'EXPLAIN …'.
SET barq.ef_search = 200;
:explain SELECT (doc).words FROM barq_hybrid(NULL::senses, embedding => :'vector', query => :'terms', k => 4, fusion => 'linear');
:explain SELECT (doc).words FROM barq_hybrid(NULL::senses, embedding => :'vector', query => :'terms', k => 4, group_by => 'part_of_speech');
:explain SELECT (doc).words FROM barq_hybrid(NULL::senses, embedding => :'vector', query => :'terms', k => 4,
	filter => 'part_of_speech = $1', filter_args => ARRAY['verb']);
:explain SELECT (doc).words FROM barq_hybrid(NULL::senses, embedding => :'vector', query => :'terms', k => 4,
	filter => 'letters && $1', filter_args => ARRAY['{1,2,3,4,5,6}']);
