<?php
// PDO with statements that PDO puts together itself, and with those that the server prepares.
declare(strict_types=1);

require __DIR__ . '/scenario.php';

/** @param array<int, mixed> $options */
function connection(array $options = []): PDO
{
    $source = sprintf('mysql:host=%s;port=%s;dbname=%s;charset=utf8mb4', getenv('COMPAT_HOST'), getenv('COMPAT_PORT'),
        getenv('COMPAT_DATABASE'));
    return new PDO($source, getenv('COMPAT_USER'), getenv('COMPAT_PASSWORD'), $options + [
        PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION, PDO::ATTR_DEFAULT_FETCH_MODE => PDO::FETCH_ASSOC,
        PDO::MYSQL_ATTR_LOCAL_INFILE => true]);
}

/** @param array<int|string, mixed> $values @return array<int, mixed> */
function rows(PDO $connection, string $sql, array $values = []): array
{
    $statement = $connection->prepare($sql);
    $statement->execute($values);
    return $statement->fetchAll();
}

/** @return array<int, mixed> */
function error_of(callable $action): array
{
    try {
        $action();
    } catch (PDOException $error) {
        return [$error->getCode(), $error->errorInfo ?? $error->getMessage()];
    }
    throw new Exception('the server should have refused this');
}

foreach ([1 => 'emulated', 0 => 'native'] as $emulate => $how) {
    $connect = fn (): PDO => connection([PDO::ATTR_EMULATE_PREPARES => (bool) $emulate]);

    scenario("crud-$how", 7, function () use ($connect, $how): void {
        $connection = $connect();
        $connection->exec("CREATE TABLE crud_$how (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(50))");
        $insert = $connection->prepare("INSERT INTO crud_$how (name) VALUES (:name)");
        $insert->execute(['name' => 'one']);
        $insert->execute(['name' => "it's 😀"]);
        observe('last id', $connection->lastInsertId());
        observe('read at once', rows($connection, "SELECT * FROM crud_$how WHERE id > ? ORDER BY id", [0]));
        $update = $connection->prepare("UPDATE crud_$how SET name = ? WHERE id = ?");
        $update->execute(['changed', 2]);
        observe('update', $update->rowCount());
        observe('read update', rows($connection, "SELECT name FROM crud_$how WHERE id = :id", ['id' => 2]));
        observe('delete', $connection->exec("DELETE FROM crud_$how WHERE id = 1"));
        observe('count', $connection->query("SELECT COUNT(*) FROM crud_$how")->fetchColumn());
        $meta = $connection->query("SELECT id AS number, name FROM crud_$how AS t");
        observe('columns', [$meta->getColumnMeta(0), $meta->getColumnMeta(1)]);
    });

    scenario("values-$how", 3, function () use ($connect, $how): void {
        $connection = $connect();
        $connection->exec("CREATE TABLE values_$how (id INT PRIMARY KEY, big BIGINT, ubig BIGINT UNSIGNED, d DECIMAL(30,10),
            f DOUBLE, day DATE, moment DATETIME(6), t TIME(3), b BLOB, s VARCHAR(50) CHARACTER SET utf8mb4, yes BOOL)");
        $insert = $connection->prepare("INSERT INTO values_$how VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
        $insert->execute([1, PHP_INT_MIN, '18446744073709551615', '-12345678901234567890.0123456789', 0.1, '2024-02-29',
            '1999-12-31 23:59:59.123456', '-30:05:00.5', pattern(251), "naïve 你好 😀\\\0'\"", 1]);
        $insert->execute([2, ...array_fill(0, 10, null)]);
        observe('rows', rows($connection, "SELECT * FROM values_$how ORDER BY id"));
        $select = $connection->prepare("SELECT id, yes FROM values_$how WHERE big < :big AND yes = :yes AND s LIKE :s");
        $select->bindValue('big', 0, PDO::PARAM_INT);
        $select->bindValue('yes', true, PDO::PARAM_BOOL);
        $select->bindValue('s', 'na%', PDO::PARAM_STR);
        $select->execute();
        observe('filter', $select->fetchAll());
        observe('limit', rows($connection, "SELECT id FROM values_$how ORDER BY id LIMIT 1"));
    });

    scenario("blobs-$how", 4, function () use ($connect, $how): void {
        $connection = $connect();
        $connection->exec("CREATE TABLE blobs_$how (id INT PRIMARY KEY, data LONGBLOB)");
        foreach ([2 << 20, 17 << 20] as $size) {
            $data = pattern($size);
            $insert = $connection->prepare("INSERT INTO blobs_$how VALUES (?, ?)");
            $insert->bindValue(1, $size, PDO::PARAM_INT);
            $insert->bindValue(2, $data, PDO::PARAM_LOB);
            $insert->execute();
            observe("write $size", $insert->rowCount());
            observe("read $size", rows($connection, "SELECT data FROM blobs_$how WHERE id = ?", [$size])[0]['data'] === $data);
        }
    });

    scenario("errors-$how", 6, function () use ($connect, $how): void {
        $connection = $connect();
        $connection->exec("CREATE TABLE errors_$how (id INT PRIMARY KEY)");
        $connection->exec("INSERT INTO errors_$how VALUES (1)");
        foreach (["INSERT INTO errors_$how VALUES (1)", 'SELEC 1', 'SELECT * FROM absent', 'SELECT absent'] as $sql) {
            observe($sql, error_of(fn () => rows($connection, $sql)));
        }
        observe('still usable', rows($connection, "SELECT * FROM errors_$how"));
        observe('parameters', error_of(fn () => rows($connection, 'SELECT ? + ?', [1])));
    });
}

scenario('transactions', 4, function (): void {
    $connection = connection();
    $connection->exec('CREATE TABLE tx (id INT PRIMARY KEY)');
    $connection->beginTransaction();
    $connection->exec('INSERT INTO tx VALUES (1)');
    observe('own view', [rows($connection, 'SELECT * FROM tx'), $connection->inTransaction()]);
    $connection->rollBack();
    observe('rolled back', [rows($connection, 'SELECT * FROM tx'), $connection->inTransaction()]);
    $connection->beginTransaction();
    $connection->exec('INSERT INTO tx VALUES (2)');
    $connection->commit();
    observe('committed', rows($connection, 'SELECT * FROM tx'));
    $connection->setAttribute(PDO::ATTR_AUTOCOMMIT, 0);
    $connection->exec('INSERT INTO tx VALUES (3)');
    $connection->rollBack();
    $connection->setAttribute(PDO::ATTR_AUTOCOMMIT, 1);
    observe('autocommit', rows($connection, 'SELECT id, @@autocommit AS a FROM tx'));
});

scenario('results', 4, function (): void {
    $connection = connection();
    $statement = $connection->query('CREATE TABLE m (id INT); INSERT INTO m VALUES (1), (2); SELECT * FROM m; SELECT 3 AS c');
    $seen = [];
    do {
        $seen[] = $statement->columnCount() ? $statement->fetchAll() : $statement->rowCount();
    } while ($statement->nextRowset());
    observe('several', $seen);
    $connection->exec('CREATE PROCEDURE p (IN a INT) BEGIN SELECT a; SELECT a * 2 AS twice; END');
    $call = connection([PDO::ATTR_EMULATE_PREPARES => false])->prepare('CALL p(?)');
    $call->execute([4]);
    $seen = [];
    do {
        $seen[] = $call->columnCount() ? $call->fetchAll() : $call->rowCount();
    } while ($call->nextRowset());
    observe('procedure', $seen);
    $connection->setAttribute(PDO::MYSQL_ATTR_USE_BUFFERED_QUERY, false);
    $unbuffered = $connection->query('SELECT id FROM m ORDER BY id');
    observe('unbuffered', [$unbuffered->fetch(), $unbuffered->fetch(), $unbuffered->fetch()]);
    observe('info', [$connection->getAttribute(PDO::ATTR_SERVER_VERSION),
        str_starts_with($connection->getAttribute(PDO::ATTR_SERVER_INFO), 'Uptime')]);
});

scenario('persistent', 2, function (): void {
    foreach ([1, 2] as $time) {
        $connection = connection([PDO::ATTR_PERSISTENT => true]);
        observe("time $time", rows($connection, 'SELECT DATABASE() AS d, @@autocommit AS a'));
        unset($connection);
    }
});

scenario('login', 2, function (): void {
    $source = sprintf('mysql:host=%s;port=%s', getenv('COMPAT_HOST'), getenv('COMPAT_PORT'));
    observe('wrong password', error_of(fn () => new PDO($source, getenv('COMPAT_USER'), 'wrong')));
    observe('wrong database', error_of(fn () => new PDO("$source;dbname=absent", getenv('COMPAT_USER'),
        getenv('COMPAT_PASSWORD'))));
});

main();
