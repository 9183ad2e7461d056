// mysql: the old driver, text protocol only. It knows no caching_sha2_password.
'use strict';

const driver = require('mysql');
const { options, second, scenario, observe, errorOf, until, digest, pattern, start } = require('./scenario');

const promised = (action) => new Promise((resolve, reject) => {
  action((error, result) => (error ? reject(error) : resolve(result)));
});

async function connected(extra, use) {
  const connection = driver.createConnection({ ...options, ...extra });
  const run = (sql, values) => promised((done) => connection.query(sql, values, done));
  try {
    await use(run, connection);
  } finally {
    connection.destroy();
  }
}

const summary = ({ affectedRows, insertId, changedRows, warningCount, message }) =>
  ({ affectedRows, insertId, changedRows, warningCount, message });

scenario('crud', 7, () => connected({}, async (run) => {
  await run('CREATE TABLE crud (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(50))');
  observe('insert', summary(await run('INSERT INTO crud SET ?', { name: 'one' })));
  observe('insert many', summary(await run('INSERT INTO crud (name) VALUES ?', [[['two'], ["it's"]]])));
  observe('read at once', await run('SELECT * FROM crud ORDER BY id'));
  observe('update', summary(await run('UPDATE crud SET ? WHERE id = ?', [{ name: 'changed' }, 2])));
  observe('read update', await run('SELECT ?? FROM ?? WHERE id = ?', ['name', 'crud', 2]));
  observe('delete', summary(await run('DELETE FROM crud WHERE id = 1')));
  observe('count', await run('SELECT COUNT(*) AS count FROM crud'));
}));

scenario('values', 3, () => connected({ supportBigNumbers: true, bigNumberStrings: true, timezone: 'Z' }, async (run) => {
  await run(`CREATE TABLE v (id INT PRIMARY KEY, big BIGINT, d DECIMAL(30,10), day DATE, moment DATETIME(3), b BLOB,
    bits BIT(9), s VARCHAR(20) CHARACTER SET utf8mb4)`);
  await run('INSERT INTO v VALUES ?', [[[1, '9223372036854775807', '-0.5', '2024-02-29', new Date(946684799999),
    Buffer.from([0, 39, 92, 255]), 257, '你好']]]);
  await run('INSERT INTO v (id) VALUES (2)');
  observe('rows', await run('SELECT * FROM v ORDER BY id'));
  observe('types', await run({ sql: 'SELECT id, day, d FROM v', typeCast: (field) => [field.type, field.table, field.string()] }));
  observe('nested', await run({ sql: 'SELECT a.id, b.id FROM v a JOIN v b ON a.id < b.id', nestTables: true }));
}));

scenario('transactions', 3, () => connected({}, async (run, connection) => {
  await run('CREATE TABLE tx (id INT PRIMARY KEY)');
  await promised((done) => connection.beginTransaction(done));
  await run('INSERT INTO tx VALUES (1)');
  observe('own view', await run('SELECT * FROM tx'));
  await promised((done) => connection.rollback(done));
  observe('rolled back', await run('SELECT * FROM tx'));
  await promised((done) => connection.beginTransaction(done));
  await run('INSERT INTO tx VALUES (2)');
  await promised((done) => connection.commit(done));
  observe('committed', await run('SELECT * FROM tx'));
}));

scenario('blobs', 4, () => connected({}, async (run) => {
  await run('CREATE TABLE blobs (id INT PRIMARY KEY, data LONGBLOB)');
  for (const size of [2 << 20, 17 << 20]) {
    const data = pattern(size);
    observe(`write ${size}`, summary(await run('INSERT INTO blobs VALUES (?, ?)', [size, data])));
    const [row] = await run('SELECT data FROM blobs WHERE id = ?', [size]);
    observe(`read ${size}`, [digest(row.data), row.data.equals(data)]);
  }
}));

scenario('errors', 5, () => connected({}, async (run) => {
  await run('CREATE TABLE e (id INT PRIMARY KEY)');
  await run('INSERT INTO e VALUES (1)');
  for (const sql of ['INSERT INTO e VALUES (1)', 'SELEC 1', 'SELECT * FROM absent', 'SELECT absent FROM e']) {
    observe(sql, await errorOf(() => run(sql)));
  }
  observe('still usable', await run('SELECT * FROM e'));
}));

scenario('several-statements', 3, () => connected({ multipleStatements: true }, async (run) => {
  const results = await run('CREATE TABLE m (id INT); INSERT INTO m VALUES (1), (2); SELECT * FROM m; SELECT 2 AS two');
  observe('results', results.map((result) => (Array.isArray(result) ? result : summary(result))));
  observe('error', await errorOf(() => run('SELECT 1; SELECT * FROM absent')));
  await run('CREATE PROCEDURE p () BEGIN SELECT 1 AS a; SELECT 2 AS b; END');
  observe('procedure', await run('CALL p()'));
}));

scenario('streaming', 1, () => connected({}, async (run, connection) => {
  await run('CREATE TABLE stream (id INT PRIMARY KEY, filler CHAR(200))');
  await run('INSERT INTO stream VALUES ?', [Array.from({ length: 3000 }, (_, id) => [id, 'x'.repeat(id % 200)])]);
  let sum = 0;
  await new Promise((resolve, reject) => {
    connection.query('SELECT * FROM stream').stream({ highWaterMark: 3 }).on('data', (row) => { sum += row.id; })
      .on('end', resolve).on('error', reject);
  });
  observe('sum', sum);
}));

scenario('session', 4, () => connected({ charset: 'UTF8MB4_UNICODE_CI' }, async (run, connection) => {
  observe('collation', await run('SELECT @@collation_connection AS c'));
  await run("SET @v = 1, time_zone = '+05:00'");
  await promised((done) => connection.ping(done));
  observe('set', await run('SELECT @v AS v, @@time_zone AS z'));
  await promised((done) => connection.statistics(done)).then(
    (text) => observe('statistics', typeof text), (error) => observe('statistics', error.code));
  observe('timeout', await errorOf(() => run({ sql: 'SELECT SLEEP(30) AS slept', timeout: 200 })));
}));

scenario('change-user', 1, () => connected({}, async (run, connection) => {
  await run("SET @v = 1, time_zone = '+05:00'");
  await promised((done) => connection.changeUser({ ...second, database: options.database }, done));
  observe('changed user', await run('SELECT CURRENT_USER() AS u, DATABASE() AS d, @v AS v, @@time_zone AS z'));
}));

scenario('pool', 3, async () => {
  const pool = driver.createPool({ ...options, connectionLimit: 3 });
  const run = (sql, values) => promised((done) => pool.query(sql, values, done));
  await run('CREATE TABLE pool (id INT PRIMARY KEY)');
  const done = await Promise.all(Array.from({ length: 20 }, (_, id) => run('INSERT INTO pool VALUES (?)', [id])));
  observe('inserted', done.reduce((sum, result) => sum + result.affectedRows, 0));
  observe('seen', await until(async () => (await run('SELECT COUNT(*) AS c FROM pool'))[0].c === 20));
  observe('wrong password', (await errorOf(() => connected({ password: 'wrong' }, (run) => run('SELECT 1')))));
  await promised((finish) => pool.end(finish));
});

start();
