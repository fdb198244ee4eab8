-- long work that somebody asked the API for
SELECT 1;
