<?php
// mysqli: prepared statements, cursors, several statements, change of user, asynchronous queries.
declare(strict_types=1);

require __DIR__ . '/scenario.php';

mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);

function connection(int $flags = 0): mysqli
{
    $connection = mysqli_init();
    $connection->real_connect(getenv('COMPAT_HOST'), getenv('COMPAT_USER'), getenv('COMPAT_PASSWORD'),
        getenv('COMPAT_DATABASE'), (int) getenv('COMPAT_PORT'), null, $flags);
    $connection->set_charset('utf8mb4');
    return $connection;
}

/** @param array<int, mixed>|null $values @return array<int, mixed>|bool */
function rows(mysqli $connection, string $sql, ?array $values = null): array|bool
{
    $result = $values === null ? $connection->query($sql) : $connection->execute_query($sql, $values);
    return is_bool($result) ? $result : $result->fetch_all(MYSQLI_ASSOC);
}

/** @return array<int, mixed> */
function error_of(callable $action): array
{
    try {
        $action();
    } catch (mysqli_sql_exception $error) {
        return [$error->getCode(), $error->getSqlState(), $error->getMessage()];
    }
    throw new Exception('the server should have refused this');
}

scenario('crud', 6, function (): void {
    $connection = connection();
    rows($connection, 'CREATE TABLE crud (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(50))');
    rows($connection, 'INSERT INTO crud (name) VALUES (?), (?)', ['one', "it's 😀"]);
    observe('insert', [$connection->insert_id, $connection->affected_rows, $connection->info]);
    observe('read at once', rows($connection, 'SELECT * FROM crud ORDER BY id'));
    rows($connection, "UPDATE crud SET name = 'changed' WHERE id > 0");
    observe('update', [$connection->affected_rows, $connection->info, $connection->warning_count]);
    observe('read update', rows($connection, 'SELECT name FROM crud WHERE id = ?', [2]));
    observe('fields', array_map(fn (object $field): array => (array) $field,
        $connection->query('SELECT id AS number, name FROM crud AS t ORDER BY id LIMIT 1')->fetch_fields()));
    rows($connection, 'DELETE FROM crud');
    observe('delete', [$connection->affected_rows, rows($connection, 'SELECT COUNT(*) AS c FROM crud')]);
});

scenario('prepared', 6, function (): void {
    $connection = connection();
    rows($connection, 'CREATE TABLE p (id INT PRIMARY KEY, big BIGINT, d DECIMAL(20,5), f DOUBLE, day DATE, b LONGBLOB)');
    $insert = $connection->prepare('INSERT INTO p VALUES (?, ?, ?, ?, ?, ?)');
    [$id, $big, $d, $f, $day, $blob] = [1, PHP_INT_MIN, '-1.50000', 0.1, '2024-02-29', null];
    $insert->bind_param('iisdsb', $id, $big, $d, $f, $day, $blob);
    foreach (str_split(pattern(2 << 20), 100000) as $piece) { // COM_STMT_SEND_LONG_DATA
        $insert->send_long_data(5, $piece);
    }
    $insert->execute();
    observe('long data', $insert->affected_rows);
    [$id, $big, $d, $f, $day] = [2, null, null, null, null];
    $insert->execute();
    observe('rows', rows($connection, 'SELECT * FROM p ORDER BY id', []));
    $select = $connection->prepare('SELECT id, d FROM p WHERE id >= ? ORDER BY id');
    $from = 1;
    $select->bind_param('i', $from);
    $select->execute();
    $select->bind_result($seen, $decimal);
    $all = [];
    while ($select->fetch()) {
        $all[] = [$seen, $decimal];
    }
    observe('bound', $all);
    $cursor = $connection->prepare('SELECT id, f FROM p ORDER BY id');
    $cursor->attr_set(MYSQLI_STMT_ATTR_CURSOR_TYPE, MYSQLI_CURSOR_TYPE_READ_ONLY);
    $cursor->execute();
    $cursor->bind_result($seen, $number);
    $all = [];
    while ($cursor->fetch()) {
        $all[] = [$seen, $number];
    }
    observe('cursor', $all);
    $cursor->close();
    $select->reset();
    $select->execute();
    observe('after reset', $select->get_result()->fetch_all());
    observe('error', error_of(fn () => $connection->prepare('SELECT * FROM absent')));
});

scenario('blobs', 2, function (): void {
    $connection = connection();
    rows($connection, 'CREATE TABLE blobs (id INT PRIMARY KEY, data LONGBLOB)');
    foreach ([2 << 20, 17 << 20] as $size) {
        rows($connection, 'INSERT INTO blobs VALUES (?, ?)', [$size, pattern($size)]);
        observe("read $size", rows($connection, 'SELECT data FROM blobs WHERE id = ?', [$size])[0]['data'] === pattern($size));
    }
});

scenario('transactions', 4, function (): void {
    $connection = connection();
    rows($connection, 'CREATE TABLE tx (id INT PRIMARY KEY)');
    $connection->begin_transaction();
    rows($connection, 'INSERT INTO tx VALUES (1)');
    $connection->savepoint('s');
    rows($connection, 'INSERT INTO tx VALUES (2)');
    rows($connection, 'ROLLBACK TO s');
    observe('own view', rows($connection, 'SELECT * FROM tx'));
    $connection->commit();
    $connection->autocommit(false);
    rows($connection, 'INSERT INTO tx VALUES (3)');
    $connection->rollback();
    $connection->autocommit(true);
    observe('autocommit', rows($connection, 'SELECT id, @@autocommit AS a FROM tx'));
    $connection->begin_transaction(MYSQLI_TRANS_START_READ_ONLY);
    observe('read only', rows($connection, 'SELECT * FROM tx'));
    observe('refused', error_of(fn () => rows($connection, 'INSERT INTO tx VALUES (4)')));
    $connection->commit();
});

scenario('errors', 5, function (): void {
    $connection = connection();
    rows($connection, 'CREATE TABLE e (id INT PRIMARY KEY)');
    rows($connection, 'INSERT INTO e VALUES (1)');
    foreach (['INSERT INTO e VALUES (1)', 'SELEC 1', 'SELECT * FROM absent', 'CALL absent()'] as $sql) {
        observe($sql, error_of(fn () => rows($connection, $sql)));
    }
    observe('still usable', rows($connection, 'SELECT * FROM e'));
});

scenario('results', 3, function (): void {
    $connection = connection();
    $connection->multi_query('CREATE TABLE m (id INT); INSERT INTO m VALUES (1), (2); SELECT * FROM m; SELECT 3 AS c');
    $seen = [];
    do {
        $result = $connection->store_result();
        $seen[] = $result ? $result->fetch_all() : $connection->affected_rows;
    } while ($connection->more_results() && $connection->next_result());
    observe('several', $seen);
    observe('error in the middle', error_of(function () use ($connection): void {
        $connection->multi_query('SELECT 1; SELECT * FROM absent');
        do {
            $connection->store_result();
        } while ($connection->next_result());
    }));
    $unbuffered = $connection->query('SELECT id FROM m ORDER BY id', MYSQLI_USE_RESULT);
    $ids = [];
    while ($row = $unbuffered->fetch_row()) {
        $ids[] = $row[0];
    }
    observe('unbuffered', $ids);
});

scenario('asynchronous', 1, function (): void {
    $connections = array_map(fn () => connection(), range(1, 3));
    foreach ($connections as $number => $connection) {
        $connection->query("SELECT $number AS n, DATABASE() AS d", MYSQLI_ASYNC);
    }
    observe('rows', array_map(fn (mysqli $connection) => $connection->reap_async_query()->fetch_assoc(), $connections));
});

scenario('session', 5, function (): void {
    $connection = connection();
    rows($connection, "SET @v = 1, time_zone = '+05:00'");
    observe('set', rows($connection, 'SELECT @v AS v, @@time_zone AS z'));
    observe('info', [$connection->server_info, $connection->character_set_name(), str_starts_with($connection->stat(), 'Uptime'),
        $connection->ping()]);
    $connection->change_user(getenv('COMPAT_SECOND_USER'), getenv('COMPAT_SECOND_PASSWORD'), getenv('COMPAT_DATABASE'));
    observe('changed user', rows($connection, 'SELECT CURRENT_USER() AS u, @v AS v, @@time_zone AS z'));
    observe('denied', error_of(fn () => rows($connection, 'CREATE DATABASE absent')));
    $connection->select_db(getenv('COMPAT_DATABASE'));
    observe('database', rows($connection, 'SELECT DATABASE() AS d'));
});

main();
