// MariaDB's own driver: pipelining, bulk execution, prepared statements, streams, pools.
'use strict';

const driver = require('mariadb');
const { options, second, mysql, scenario, observe, compressed, errorOf, until, digest, pattern, start } = require('./scenario');

const login = { ...options, allowPublicKeyRetrieval: true };

async function connected(extra, use) {
  const connection = await driver.createConnection({ ...login, ...extra });
  try {
    await use(connection);
  } finally {
    connection.destroy();
  }
}

const plain = (result) => (Array.isArray(result) ? [...result] : { ...result });

for (const how of ['query', 'execute']) {
  scenario(`crud-${how}`, 7, () => connected({}, async (connection) => {
    const run = async (sql, values) => plain(await connection[how](sql, values));
    await run(`CREATE TABLE crud_${how} (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(50))`);
    observe('insert', await run(`INSERT INTO crud_${how} (name) VALUES (?), (?)`, ['one', 'two']));
    observe('read at once', await run(`SELECT * FROM crud_${how} ORDER BY id`));
    observe('last id', await run('SELECT LAST_INSERT_ID() AS id'));
    observe('update', await run(`UPDATE crud_${how} SET name = ? WHERE id = ?`, ['changed', 2]));
    observe('delete', await run(`DELETE FROM crud_${how} WHERE id = ?`, [1]));
    observe('count', await run(`SELECT COUNT(*) AS count FROM crud_${how}`));
    const { meta } = await connection[how](`SELECT id AS number, name FROM crud_${how} AS t`);
    observe('columns', meta.map((column) => [column.name(), column.orgName(), column.table(), column.orgTable(),
      column.db(), column.type, column.columnLength]));
  }));

  scenario(`values-${how}`, 4, () => connected({ timezone: 'Z' }, async (connection) => {
    const table = `values_${how}`;
    await connection.query(`CREATE TABLE ${table} (id INT PRIMARY KEY, big BIGINT, ubig BIGINT UNSIGNED,
      price DECIMAL(30,10), f DOUBLE, day DATE, moment DATETIME(6), t TIME(3), b BLOB, s TEXT CHARACTER SET utf8mb4)`);
    const insert = `INSERT INTO ${table} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
    observe('full', plain(await connection[how](insert, [1, -9223372036854775808n, 18446744073709551615n,
      '-12345678901234567890.0123456789', 0.1, '2024-02-29', new Date('1999-12-31T23:59:59.123Z'), '-30:05:00.5',
      Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)), 'it\'s \\ "text" \u{1F600}\n\0'])));
    observe('null', plain(await connection[how](insert, [2, ...Array(9).fill(null)])));
    observe('rows', plain(await connection[how](`SELECT * FROM ${table} WHERE id > ? ORDER BY id`, [0])));
    observe('filter', plain(await connection[how](`SELECT id FROM ${table} WHERE s LIKE ? AND big < ?`, ['it%', 0n])));
  }));
}

// One packet with all rows on MariaDB, many pipelined ones elsewhere.
scenario('batch', 6, () => connected({}, async (connection) => {
  await connection.query('CREATE TABLE batch (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(50), n INT)');
  const insert = 'INSERT INTO batch (name, n) VALUES (?, ?)';
  const rows = Array.from({ length: 500 }, (_, n) => [`row ${n}`, n % 7 ? n : null]);
  observe('insert', plain(await connection.batch(insert, rows)));
  observe('rows', plain(await connection.query('SELECT COUNT(*) AS c, SUM(n) AS s, MAX(name) AS m FROM batch')));
  observe('update', plain(await connection.batch('UPDATE batch SET n = ? WHERE id = ?', [[1, 1], [2, 2], [3, 999]])));
  observe('delete', plain(await connection.batch('DELETE FROM batch WHERE id = ?', [[1], [2]])));
  await connection.query('ALTER TABLE batch ADD UNIQUE (name)');
  observe('duplicate', await errorOf(() => connection.batch(insert, [['new', 1], ['row 3', 2], ['later', 3]])));
  observe('afterwards', plain(await connection.query("SELECT COUNT(*) AS c FROM batch WHERE name IN ('new', 'later')")));
}));

scenario('batch-fallback', 2, () => connected({ bulk: false }, async (connection) => {
  await connection.query('CREATE TABLE fallback (id INT PRIMARY KEY, name VARCHAR(50))');
  observe('insert', plain(await connection.batch('INSERT INTO fallback VALUES (?, ?)', [[1, 'one'], [2, 'two'], [3, null]])));
  observe('rows', plain(await connection.query('SELECT * FROM fallback ORDER BY id')));
}));

scenario('batch-big', 2, () => connected({ maxAllowedPacket: 64 << 20 }, async (connection) => {
  await connection.query('CREATE TABLE big (id INT PRIMARY KEY, data LONGBLOB)');
  const data = pattern(3 << 20);
  observe('insert', plain(await connection.batch('INSERT INTO big VALUES (?, ?)',
    Array.from({ length: 7 }, (_, id) => [id, data]))));
  observe('rows', plain(await connection.query('SELECT COUNT(DISTINCT SHA2(data, 256)) AS c, SUM(LENGTH(data)) AS s FROM big')));
}));

// Statements are sent without waiting for the answers of those before.
scenario('pipelining', 3, () => connected({ pipelining: true }, async (connection) => {
  await connection.query('CREATE TABLE pipe (id INT PRIMARY KEY, v INT)');
  const work = [];
  for (let id = 0; id < 30; id++) {
    work.push(connection.query('INSERT INTO pipe VALUES (?, ?)', [id, id * id]));
    work.push(connection.query('SELECT COUNT(*) AS c, SUM(v) AS s FROM pipe'));
  }
  const answers = await Promise.all(work);
  observe('answers', answers.map((answer) => (Array.isArray(answer) ? answer[0] : answer.affectedRows)));
  const mixed = await Promise.allSettled([connection.query('SELECT 1 AS a'), connection.query('SELEC'),
    connection.query('SELECT * FROM absent'), connection.ping(),
    connection.query('UPDATE pipe SET v = 0 WHERE id = 0')]);
  observe('errors', mixed.map(({ value, reason }) => (reason ? [reason.errno, reason.sqlState] : value && plain(value))));
  connection.beginTransaction();
  connection.query('DELETE FROM pipe');
  const inside = connection.query('SELECT COUNT(*) AS c FROM pipe');
  connection.rollback();
  const after = connection.query('SELECT COUNT(*) AS c FROM pipe');
  observe('transaction', [plain(await inside), plain(await after)]);
}));

// The driver sends COM_STMT_PREPARE and COM_STMT_EXECUTE together.
scenario('pipelining-execute', 2, () => connected({}, async (connection) => {
  await connection.query('CREATE TABLE pipe_execute (id INT PRIMARY KEY, v INT)');
  const work = [];
  for (let id = 0; id < 30; id++) {
    work.push(connection.execute('INSERT INTO pipe_execute VALUES (?, ?)', [id, id * id]));
    work.push(connection.execute('SELECT COUNT(*) AS c, SUM(v) AS s FROM pipe_execute'));
  }
  const answers = await Promise.all(work);
  observe('answers', answers.map((answer) => (Array.isArray(answer) ? answer[0] : answer.affectedRows)));
  observe('big', (await Promise.all([connection.execute('SELECT REPEAT(?, 3000000) AS r', ['x']),
    connection.query('SELECT 1 AS r')])).map(([row]) => String(row.r).length));
}));

// A connection that is destroyed at work is killed from another one, which must not fail.
scenario('destroy', 1, () => connected({}, async (connection) => {
  const slow = errorOf(() => connection.query('SELECT SLEEP(100)'));
  await new Promise((resolve) => setTimeout(resolve, 200));
  connection.destroy();
  observe('slow', await slow);
  await connected({}, (other) => until(async () => (await other.query(`SELECT COUNT(*) AS c
    FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP(100)%'`))[0].c === 0n));
}));

scenario('prepared', 3, () => connected({}, async (connection) => {
  await connection.query('CREATE TABLE prepared (id INT PRIMARY KEY, v INT)');
  const insert = await connection.prepare('INSERT INTO prepared VALUES (?, ?)');
  await Promise.all([1, 2, 3].map((id) => insert.execute([id, id * 10])));
  const select = await connection.prepare('SELECT * FROM prepared WHERE id >= ?');
  observe('rows', plain(await select.execute([2])));
  let sum = 0;
  for await (const row of select.executeStream([1])) sum += row.v;
  observe('stream', sum);
  insert.close();
  select.close();
  observe('error', await errorOf(() => connection.prepare('SELECT * FROM absent')));
}));

scenario('transactions', 3, () => connected({}, async (connection) => {
  await connection.query('CREATE TABLE tx (id INT PRIMARY KEY)');
  await connection.beginTransaction();
  await connection.query('INSERT INTO tx VALUES (1)');
  observe('own view', plain(await connection.query('SELECT * FROM tx')));
  await connection.rollback();
  observe('rolled back', plain(await connection.query('SELECT * FROM tx')));
  await connection.beginTransaction();
  await connection.execute('INSERT INTO tx VALUES (2)');
  await connection.commit();
  observe('committed', plain(await connection.query('SELECT * FROM tx')));
}));

scenario('blobs', 6, () => connected({ maxAllowedPacket: 64 << 20 }, async (connection) => {
  await connection.query('CREATE TABLE blobs (id INT PRIMARY KEY AUTO_INCREMENT, data LONGBLOB)');
  for (const [how, size] of [['query', 2 << 20], ['execute', 2 << 20], ['execute', 17 << 20]]) {
    const data = pattern(size);
    const { insertId } = await connection[how]('INSERT INTO blobs (data) VALUES (?)', [data]);
    observe(`${how} ${size}`, insertId);
    const [row] = await connection[how]('SELECT data FROM blobs WHERE id = ?', [insertId]);
    observe('back', [digest(row.data), row.data.equals(data)]);
  }
}));

scenario('errors', 5, () => connected({}, async (connection) => {
  await connection.query('CREATE TABLE e (id INT PRIMARY KEY)');
  await connection.query('INSERT INTO e VALUES (1)');
  for (const sql of ['INSERT INTO e VALUES (1)', 'SELEC 1', 'SELECT * FROM absent', 'SELECT absent FROM e']) {
    observe(sql, await errorOf(() => connection.query(sql)));
  }
  observe('still usable', plain(await connection.query('SELECT * FROM e')));
}));

scenario('several-statements', 3, () => connected({ multipleStatements: true }, async (connection) => {
  observe('results', (await connection.query('CREATE TABLE m (id INT); INSERT INTO m VALUES (1), (2); SELECT * FROM m'))
    .map(plain));
  await connection.query('CREATE PROCEDURE p (IN a INT, OUT b INT) BEGIN SELECT a AS first; SET b = a * 2; END');
  observe('procedure', (await connection.query('CALL p(3, @b)')).map(plain));
  observe('out', (await connection.execute('CALL p(?, ?)', [4, null])).map(plain));
}));

scenario('streaming', 2, () => connected({}, async (connection) => {
  await connection.query('CREATE TABLE stream (id INT PRIMARY KEY, filler CHAR(200))');
  await connection.batch('INSERT INTO stream VALUES (?, ?)', Array.from({ length: 3000 }, (_, id) => [id, 'x'.repeat(id % 200)]));
  let sum = 0;
  for await (const row of connection.queryStream('SELECT * FROM stream')) sum += row.id;
  observe('sum', sum);
  observe('afterwards', plain(await connection.query('SELECT COUNT(*) AS c FROM stream')));
}));

scenario('session', mysql ? 4 : 5, () => connected({ sessionVariables: { time_zone: '+05:00', wait_timeout: 1234 } }, async (connection) => {
  const value = async (sql) => Object.values((await connection.query(sql))[0]);
  await connection.query('SET @v = 1');
  observe('set', await value('SELECT @v, @@time_zone, @@wait_timeout'));
  if (!mysql) { // the driver refuses it on MySQL
    await connection.changeUser({ ...second, database: options.database });
    observe('changed user', await value('SELECT CURRENT_USER(), DATABASE(), @v'));
  }
  await connection.reset();
  observe('reset', await value('SELECT @v, CURRENT_USER(), DATABASE()'));
  observe('info', [connection.serverVersion(), connection.info.isMariaDB(), connection.isValid()]);
  await connection.ping();
  observe('collation', await value('SELECT @@collation_connection, @@character_set_client'));
}));

scenario('json', 1, () => connected({}, async (connection) => {
  await connection.query('CREATE TABLE json (id INT PRIMARY KEY, j JSON)');
  await connection.query(`INSERT INTO json VALUES (1, '{"a": [1, null]}'), (2, NULL), (3, '[]')`);
  observe('rows', plain(await connection.query('SELECT * FROM json ORDER BY id')));
}));

scenario('pool', 4, async () => {
  const pool = driver.createPool({ ...login, connectionLimit: 3, minimumIdle: 1 });
  await pool.query('CREATE TABLE pool (id INT PRIMARY KEY)');
  await Promise.all(Array.from({ length: 30 }, (_, id) => pool.execute('INSERT INTO pool VALUES (?)', [id])));
  observe('seen', await until(async () => Number((await pool.query('SELECT COUNT(*) AS c FROM pool'))[0].c) === 30));
  observe('batch', plain(await pool.batch('INSERT INTO pool VALUES (?)', [[100], [101], [102]])));
  const connection = await pool.getConnection();
  await connection.query('SET @v = 1');
  await connection.release();
  observe('reused', plain(await pool.query('SELECT @v AS v')));
  observe('wrong password', await errorOf(() => driver.createConnection({ ...login, password: 'wrong' }))
    .then((seen) => seen.slice(0, 3)));
  await pool.end();
});

scenario('compression', 3, () => compressed(connected, async (connection, shorterThan) => {
  await connection.query('CREATE TABLE z (id INT PRIMARY KEY, data LONGBLOB)');
  const data = pattern(2 << 20);
  observe('write', plain(await connection.query('INSERT INTO z VALUES (1, ?)', [data])));
  const [row] = await connection.query('SELECT data FROM z');
  observe('read', [digest(row.data), row.data.equals(data)]);
  observe('in use', shorterThan(data.length / 2));
}), 'compress');

start();
