CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, price REAL, kind INTEGER);
BEGIN;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)
INSERT INTO item SELECT i, printf('item %05d', i * 7919 % 4000), i * 0.37, i % 13 FROM n;
COMMIT;
CREATE INDEX item_name ON item (name);
SELECT kind, count(*), round(avg(price), 3), min(name) FROM item GROUP BY kind ORDER BY kind LIMIT 3;
SELECT count(*) FROM item a JOIN item b ON b.name = printf('item %05d', a.id) WHERE a.kind < 9;
SELECT sum(length(name)) FROM item WHERE name LIKE '%77%';
UPDATE item SET price = price * 1.1 WHERE kind < 6;
DELETE FROM item WHERE id % 17 = 3;
SELECT round(sum(price), 2) FROM item;
PRAGMA integrity_check;
