-- The database which the corpus reads, for MySQL and MariaDB alike. Each statement ends with ";;" at the
-- end of a line, so that bodies may contain ";". A first line "-- mysql" or "-- mariadb" keeps a
-- statement for that server alone.

DROP DATABASE IF EXISTS corpus;;
CREATE DATABASE corpus CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;;
USE corpus;;

CREATE TABLE users (
  id INT PRIMARY KEY AUTO_INCREMENT,
  name VARCHAR(50) DEFAULT 'nobody',
  email VARCHAR(100),
  created_at DATETIME DEFAULT CURRENT_TIMESTAMP,
  deleted_at DATETIME
);;
CREATE TABLE posts (
  id INT PRIMARY KEY AUTO_INCREMENT,
  user_id INT,
  title VARCHAR(100),
  created_at DATETIME DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT posts_user FOREIGN KEY (user_id) REFERENCES users (id)
);;
CREATE TABLE comments (id INT PRIMARY KEY AUTO_INCREMENT, post_id INT, body TEXT);;
CREATE TABLE orders (id INT PRIMARY KEY AUTO_INCREMENT, status VARCHAR(10), total DECIMAL(10, 2));;
CREATE TABLE log (at DATETIME);;
CREATE TABLE docs (js JSON);;
CREATE TABLE articles (title VARCHAR(100), body TEXT, FULLTEXT (title, body)) ENGINE = InnoDB;;
CREATE TABLE parted (id INT) PARTITION BY RANGE (id) (
  PARTITION p0 VALUES LESS THAN (10),
  PARTITION p1 VALUES LESS THAN MAXVALUE
);;
CREATE TABLE words (
  `for` INT, `update` INT, `into` INT, `lock` INT, `share` INT, `set` INT, `call` INT, `delete` INT
);;
CREATE TABLE words2 (share INT, mode INT, skip INT, locked INT);;
CREATE TABLE `select` (id INT);;
CREATE VIEW v_users AS SELECT id, name FROM users;;

CREATE TABLE django_session (session_key VARCHAR(40) PRIMARY KEY, session_data TEXT, expire_date DATETIME);;
CREATE TABLE wp_options (option_id INT PRIMARY KEY, option_name VARCHAR(64), option_value TEXT, autoload VARCHAR(20));;
CREATE TABLE wp_posts (ID INT PRIMARY KEY, post_type VARCHAR(20), post_status VARCHAR(20), post_date DATETIME);;
CREATE TABLE wp_postmeta (meta_id INT PRIMARY KEY, post_id INT, meta_key VARCHAR(255), meta_value TEXT);;
CREATE TABLE wp_terms (term_id INT PRIMARY KEY, name VARCHAR(200));;
CREATE TABLE wp_term_taxonomy (term_taxonomy_id INT PRIMARY KEY, term_id INT, taxonomy VARCHAR(32));;
CREATE TABLE store (store_id INT PRIMARY KEY, code VARCHAR(32));;
CREATE TABLE catalog_product (entity_id INT PRIMARY KEY);;
CREATE TABLE catalog_product_int (value_id INT PRIMARY KEY, entity_id INT, store_id INT, value INT);;
CREATE TABLE sbtest1 (id INT PRIMARY KEY, k INT, c CHAR(120), pad CHAR(60));;
CREATE TABLE customer1 (
  c_id INT, c_d_id INT, c_w_id INT, c_discount DECIMAL(4, 2), c_last VARCHAR(16), c_credit CHAR(2)
);;
CREATE TABLE warehouse1 (w_id INT PRIMARY KEY, w_tax DECIMAL(4, 2));;
CREATE TABLE district1 (d_id INT, d_w_id INT, d_tax DECIMAL(4, 2), d_next_o_id INT);;

CREATE FUNCTION plus_one(a INT) RETURNS INT DETERMINISTIC RETURN a + 1;;
CREATE PROCEDURE p1()
BEGIN
  SELECT 1;
  SELECT 2;
END;;
CREATE TRIGGER users_bi BEFORE INSERT ON users FOR EACH ROW SET NEW.email = LOWER(NEW.email);;
CREATE EVENT e1 ON SCHEDULE EVERY 1 YEAR DISABLE DO DELETE FROM log;;

-- mariadb
CREATE SEQUENCE s1;;
-- mariadb
CREATE TABLE versioned (id INT PRIMARY KEY) WITH SYSTEM VERSIONING;;

INSERT INTO users (id, name, email) VALUES (1, 'Ann', 'a@example.com'), (2, 'Bob', 'b@example.com');;
INSERT INTO posts (id, user_id, title) VALUES (1, 1, 'first'), (2, 1, 'second'), (3, 2, 'third');;
INSERT INTO comments (id, post_id, body) VALUES (1, 1, 'a'), (2, 3, 'b');;
INSERT INTO orders (id, status, total) VALUES (1, 'new', 10.5), (2, 'new', 20), (3, 'sent', 5);;
INSERT INTO docs VALUES ('{"a": "1", "x": 1.5}');;
INSERT INTO parted VALUES (1), (11);;
INSERT INTO sbtest1 VALUES (1, 1, 'c', 'p'), (2, 2, 'd', 'p');;
