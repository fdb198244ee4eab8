-- signed heads of the log, and the tree over it
SELECT 1;
