-- an empty desk can be restored from a lossless export
SELECT 1;
