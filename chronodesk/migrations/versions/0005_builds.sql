-- builds that are no longer needed can be dropped
SELECT 1;
