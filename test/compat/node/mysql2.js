// mysql2: callbacks and promises, text and binary protocol, pools, streams, compression.
'use strict';

const mysql2 = require('mysql2');
const promises = require('mysql2/promise');
const { options, second, scenario, observe, compressed, errorOf, until, digest, pattern, start } = require('./scenario');

async function connected(extra, use) {
  const connection = await promises.createConnection({ ...options, ...extra });
  try {
    await use(connection);
  } finally {
    connection.destroy();
  }
}

const summary = ({ affectedRows, insertId, changedRows, warningStatus, info }) =>
  ({ affectedRows, insertId, changedRows, warningStatus, info });

for (const how of ['query', 'execute']) {
  scenario(`crud-${how}`, 9, () => connected({}, async (connection) => {
    const run = async (sql, values) => (await connection[how](sql, values))[0];
    await run(`CREATE TABLE crud_${how} (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(50))`);
    observe('insert', summary(await run(`INSERT INTO crud_${how} (name) VALUES (?), (?)`, ['one', 'two'])));
    observe('read at once', await run(`SELECT * FROM crud_${how} ORDER BY id`));
    observe('last id', await run('SELECT LAST_INSERT_ID() AS id'));
    observe('update', summary(await run(`UPDATE crud_${how} SET name = ? WHERE id = ?`, ['changed', 2])));
    observe('read update', await run(`SELECT name FROM crud_${how} WHERE id = ?`, [2]));
    observe('no change', summary(await run(`UPDATE crud_${how} SET name = ? WHERE id = ?`, ['changed', 2])));
    observe('delete', summary(await run(`DELETE FROM crud_${how} WHERE id = ?`, [1])));
    observe('count', await run(`SELECT COUNT(*) AS count FROM crud_${how}`));
    const [, fields] = await connection[how](`SELECT id AS number, name FROM crud_${how} AS t`);
    observe('fields', fields.map(({ name, orgName, table, orgTable, schema, columnType, flags, columnLength }) =>
      ({ name, orgName, table, orgTable, schema, columnType, flags, columnLength })));
  }));

  scenario(`values-${how}`, 6, () => connected({ supportBigNumbers: true, bigNumberStrings: true, timezone: 'Z' },
    async (connection) => {
      const table = `values_${how}`;
      await connection.query(`CREATE TABLE ${table} (id INT PRIMARY KEY, big BIGINT, ubig BIGINT UNSIGNED,
        price DECIMAL(30,10), f DOUBLE, day DATE, moment DATETIME(6), t TIME(3), b BLOB, s TEXT)`);
      const insert = `INSERT INTO ${table} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
      const full = [1, '-9223372036854775808', '18446744073709551615', '-12345678901234567890.0123456789', 0.1,
        new Date('2024-02-29T00:00:00Z'), new Date('1999-12-31T23:59:59.123Z'), '-30:05:00.5',
        Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)), 'it\'s \\ "text"\n\0'];
      observe('full', summary((await connection[how](insert, full))[0]));
      observe('null', summary((await connection[how](insert, [2, ...Array(9).fill(null)]))[0]));
      observe('empty', summary((await connection[how](insert,
        [3, 0, 0, 0, 0, '2000-01-01', '2000-01-01', '00:00', Buffer.alloc(0), '']))[0]));
      observe('rows', (await connection[how](`SELECT * FROM ${table} WHERE id > ? ORDER BY id`, [0]))[0]);
      observe('filter', (await connection[how](`SELECT id FROM ${table} WHERE day = ? AND price < ? AND b <> ?`,
        ['2024-02-29', 0, Buffer.from('x')]))[0]);
      observe('computed', (await connection[how]('SELECT ? + ? AS sum, ? AS word, ? IS NULL AS nothing, 1/3 AS third',
        [1, 2, '\u{1F600}', null]))[0]);
    }));
}

scenario('prepared', 6, () => connected({}, async (connection) => {
  await connection.query('CREATE TABLE prepared (id INT PRIMARY KEY, v INT)');
  const insert = await connection.prepare('INSERT INTO prepared VALUES (?, ?)');
  const select = await connection.prepare('SELECT v FROM prepared WHERE id = ?');
  for (const id of [1, 2, 3]) {
    await insert.execute([id, id * 10]);
    observe(`row ${id}`, (await select.execute([id]))[0]);
  }
  observe('duplicate', await errorOf(() => insert.execute([1, 1])));
  await insert.close();
  await select.close();
  connection.unprepare('SELECT 1');
  observe('cannot prepare', await errorOf(() => connection.prepare('SELECT * FROM absent WHERE id = ?')));
  await connection.query('ALTER TABLE prepared ADD COLUMN extra INT DEFAULT 7');
  observe('after alter', (await connection.execute('SELECT * FROM prepared WHERE id = ?', [1]))[0]);
}));

scenario('too-few-parameters', 2, () => connected({}, async (connection) => {
  observe('error', await errorOf(() => connection.execute('SELECT ? + ?', [1])));
  observe('still usable', (await connection.execute('SELECT ? + ? AS sum', [1, 2]))[0]);
}));

// MariaDB has no JSON type: what it says about the column besides its type makes the driver parse it.
scenario('json', 2, () => connected({}, async (connection) => {
  await connection.query('CREATE TABLE json (id INT PRIMARY KEY, j JSON)');
  await connection.query(`INSERT INTO json VALUES (1, '{"a": [1, null]}'), (2, NULL), (3, '[]')`);
  observe('text', (await connection.query('SELECT * FROM json ORDER BY id'))[0]);
  observe('binary', (await connection.execute('SELECT * FROM json WHERE id <> ? ORDER BY id', [0]))[0]);
}));

scenario('transactions', 6, () => connected({}, async (connection) => {
  await connection.query('CREATE TABLE tx (id INT PRIMARY KEY)');
  await connection.beginTransaction();
  await connection.execute('INSERT INTO tx VALUES (?)', [1]);
  observe('own view', (await connection.query('SELECT * FROM tx'))[0]);
  await connection.rollback();
  observe('rolled back', (await connection.query('SELECT * FROM tx'))[0]);
  await connection.beginTransaction();
  await connection.query('INSERT INTO tx VALUES (2)');
  await connection.commit();
  observe('committed', (await connection.query('SELECT * FROM tx'))[0]);
  await connection.query('START TRANSACTION READ ONLY');
  observe('refused', await errorOf(() => connection.query('INSERT INTO tx VALUES (3)')));
  observe('read only', (await connection.query('SELECT * FROM tx'))[0]);
  await connection.commit();
  await connection.query('SET autocommit = 0');
  await connection.query('INSERT INTO tx VALUES (4)');
  await connection.rollback();
  await connection.query('SET autocommit = 1');
  observe('autocommit off', (await connection.query('SELECT * FROM tx'))[0]);
}));

scenario('blobs', 9, () => connected({}, async (connection) => {
  await connection.query('CREATE TABLE blobs (id INT PRIMARY KEY, data LONGBLOB)');
  let id = 0;
  for (const [how, size] of [['query', 2 << 20], ['execute', 2 << 20], ['execute', 17 << 20]]) {
    const data = pattern(size);
    observe(`${how} ${size}`, summary((await connection[how]('INSERT INTO blobs VALUES (?, ?)', [++id, data]))[0]));
    for (const read of ['query', 'execute']) {
      const [[row]] = await connection[read]('SELECT data FROM blobs WHERE id = ?', [id]);
      observe(`${read} back`, [digest(row.data), row.data.equals(data)]);
    }
  }
}));

scenario('several-statements', 5, async () => {
  await connected({ multipleStatements: true }, async (connection) => {
    const [results, fields] = await connection.query(`CREATE TABLE m (id INT); INSERT INTO m VALUES (1), (2);
      SELECT * FROM m ORDER BY id; SELECT COUNT(*) AS count FROM m`);
    observe('results', results.map((result) => (Array.isArray(result) ? result : summary(result))));
    observe('fields', fields.map((list) => list && list.map((field) => field.name)));
    observe('reads', (await connection.query('SELECT 1 AS a; SELECT 2 AS b'))[0]);
    observe('error in the middle', await errorOf(() => connection.query('SELECT 1; SELECT * FROM absent; SELECT 3')));
  });
  await connected({}, async (connection) => {
    observe('not asked for', await errorOf(() => connection.query('SELECT 1; SELECT 2')));
  });
});

scenario('procedures', 3, () => connected({}, async (connection) => {
  await connection.query(`CREATE PROCEDURE p (IN a INT) BEGIN SELECT a AS first; SELECT a * 2 AS second;
    INSERT INTO absent VALUES (1); END`);
  await connection.query('CREATE PROCEDURE q (IN a INT) BEGIN SELECT a AS first; SELECT a * 2 AS second; END');
  observe('text', (await connection.query('CALL q(?)', [3]))[0]);
  observe('binary', (await connection.execute('CALL q(?)', [4]))[0]);
  observe('error after results', await errorOf(() => connection.query('CALL p(5)')));
}));

scenario('errors', 8, () => connected({}, async (connection) => {
  await connection.query('CREATE TABLE e (id INT PRIMARY KEY, day DATE NOT NULL)');
  await connection.query('INSERT INTO e VALUES (1, NOW())');
  for (const [label, sql] of [['duplicate', 'INSERT INTO e VALUES (1, NOW())'], ['syntax', 'SELEC 1'],
    ['no table', 'SELECT * FROM absent'], ['no column', 'SELECT absent FROM e'],
    ['null', 'INSERT INTO e VALUES (2, NULL)'], ['date', "INSERT INTO e VALUES (2, '2024-02-31')"]]) {
    observe(label, await errorOf(() => connection.query(sql)));
  }
  observe('no table, prepared', await errorOf(() => connection.execute('SELECT * FROM absent WHERE a = ?', [1])));
  observe('still usable', (await connection.query('SELECT id FROM e'))[0]);
}));

scenario('named-placeholders', 2, () => connected({ namedPlaceholders: true }, async (connection) => {
  observe('query', (await connection.query('SELECT :a + :b AS sum, :a AS again', { a: 1, b: 2 }))[0]);
  observe('execute', (await connection.execute('SELECT :b AS b, :a AS a', { a: 'x', b: null }))[0]);
}));

scenario('streaming', 4, async () => {
  const connection = mysql2.createConnection(options);
  const run = (sql, values) => new Promise((resolve, reject) => {
    connection.query(sql, values, (error, rows) => (error ? reject(error) : resolve(rows)));
  });
  await run('CREATE TABLE stream (id INT PRIMARY KEY, filler CHAR(200))');
  await run('INSERT INTO stream VALUES ?', [Array.from({ length: 4000 }, (_, id) => [id, 'x'.repeat(id % 200)])]);
  let sum = 0;
  for await (const row of connection.query('SELECT * FROM stream ORDER BY id').stream({ highWaterMark: 5 })) sum += row.id;
  observe('text', sum);
  sum = 0;
  for await (const row of connection.execute('SELECT * FROM stream WHERE id >= ?', [100]).stream()) sum += row.id;
  observe('binary', sum);
  observe('queued', await Promise.all([1, 2, 3].map((n) => run('SELECT ? AS n, COUNT(*) AS c FROM stream', [n]))));
  const events = [];
  await new Promise((resolve) => {
    connection.query('SELECT id FROM stream ORDER BY id LIMIT 2').on('fields', (fields) => events.push(fields[0].name))
      .on('result', (row) => events.push(row.id)).on('end', resolve);
  });
  observe('events', events);
  connection.destroy();
});

scenario('pool', 6, async () => {
  const pool = promises.createPool({ ...options, connectionLimit: 4, queueLimit: 0 });
  await pool.query('CREATE TABLE pool (id INT PRIMARY KEY)');
  const inserts = Array.from({ length: 40 }, (_, id) => pool.execute('INSERT INTO pool VALUES (?)', [id]));
  observe('inserted', (await Promise.all(inserts)).reduce((sum, [result]) => sum + result.affectedRows, 0));
  const count = async () => (await pool.query('SELECT COUNT(*) AS count FROM pool'))[0][0].count;
  observe('seen by all', await until(async () => {
    const counts = await Promise.all([count(), count(), count(), count()]);
    return counts.every((seen) => seen === 40) && counts;
  }));
  const first = await pool.getConnection();
  await first.query('SET @mine = 5');
  const other = await pool.getConnection();
  observe('not shared', [(await first.query('SELECT @mine AS v'))[0], (await other.query('SELECT @mine AS v'))[0]]);
  await first.beginTransaction();
  await first.query('DELETE FROM pool WHERE id < 10');
  observe('isolated', [(await first.query('SELECT COUNT(*) AS c FROM pool'))[0],
    (await other.query('SELECT COUNT(*) AS c FROM pool'))[0]]);
  await first.rollback();
  first.release();
  other.release();
  observe('error', await errorOf(() => pool.query('SELECT * FROM absent')));
  observe('afterwards', await until(async () => (await count()) === 40));
  await pool.end();
});

scenario('session', 7, () => connected({}, async (connection) => {
  const value = async (sql) => Object.values((await connection.query(sql))[0][0]);
  await connection.query("SET @v = 1, time_zone = '+05:00', sql_mode = 'ANSI_QUOTES'");
  observe('set', await value('SELECT @v, @@time_zone, @@sql_mode'));
  await connection.ping();
  observe('after ping', await value('SELECT @v'));
  await connection.changeUser({ ...second, database: options.database });
  observe('changed user', await value('SELECT CURRENT_USER(), DATABASE(), @v, @@time_zone'));
  observe('denied', await errorOf(() => connection.query('CREATE DATABASE absent')));
  await connection.changeUser({ user: options.user, password: options.password, database: 'sbtest' });
  observe('changed back', await value('SELECT CURRENT_USER(), DATABASE()'));
  await connection.query("SET @v = 2, time_zone = '+05:00'");
  await connection.reset();
  observe('reset', await value('SELECT @v, @@time_zone, CURRENT_USER()'));
  observe('no such user', (await errorOf(() => connection.changeUser({ user: 'absent', password: 'x' }))).slice(0, 3));
}));

// The driver logs in with the flag for IGNORE_SPACE, which is a part of sql_mode.
scenario('sql-mode', 4, () => connected({}, async (connection) => {
  const mode = async () => (await connection.query('SELECT @@sql_mode AS mode'))[0][0].mode;
  observe('login', await mode());
  await connection.query("SET sql_mode = 'ANSI_QUOTES'");
  observe('set', await mode());
  await connection.reset();
  observe('reset', await mode());
  await connection.changeUser({ user: options.user, password: options.password, database: options.database });
  observe('changed user', await mode());
}));

scenario('unicode', 3, () => connected({ charset: 'utf8mb4_unicode_ci' }, async (connection) => {
  await connection.query('CREATE TABLE `täble 表` (`cölumn 列` VARCHAR(100)) CHARACTER SET utf8mb4');
  await connection.execute('INSERT INTO `täble 表` VALUES (?)', ['naïve 你好 \u{1F600}']);
  observe('rows', (await connection.query('SELECT *, HEX(`cölumn 列`) AS `h€x` FROM `täble 表`'))[0]);
  observe('search', (await connection.execute('SELECT COUNT(*) AS c FROM `täble 表` WHERE `cölumn 列` = ?',
    ['naïve 你好 \u{1F600}']))[0]);
  observe('collation', (await connection.query('SELECT @@collation_connection, @@character_set_client'))[0]);
}));

scenario('load-local', 2, () => connected({}, async (connection) => {
  const { Readable } = require('stream');
  await connection.query('CREATE TABLE l (id INT PRIMARY KEY, line VARCHAR(40) CHARACTER SET utf8mb4)');
  const lines = Array.from({ length: 2000 }, (_, id) => `${id},liné ${id} \u{1F600}\n`).join('');
  const [result] = await connection.query({ sql: "LOAD DATA LOCAL INFILE 'x' INTO TABLE l FIELDS TERMINATED BY ','",
    infileStreamFactory: () => Readable.from([Buffer.from(lines)]) });
  observe('load', summary(result));
  observe('rows', (await connection.query('SELECT COUNT(*) AS c, SUM(id) AS s, MAX(HEX(line)) AS m FROM l'))[0]);
}));

scenario('compression', 5, () => compressed(connected, async (connection, shorterThan) => {
  await connection.query('CREATE TABLE z (id INT PRIMARY KEY, data LONGBLOB)');
  const data = pattern(2 << 20);
  observe('write', summary((await connection.execute('INSERT INTO z VALUES (?, ?)', [1, data]))[0]));
  const [[row]] = await connection.query('SELECT data FROM z');
  observe('read', [digest(row.data), row.data.equals(data)]);
  observe('small', (await connection.query('SELECT 1 AS one'))[0]);
  observe('error', await errorOf(() => connection.query('SELECT * FROM absent')));
  observe('in use', shorterThan(data.length / 2));
}), 'compress');

scenario('wrong-login', 2, async () => {
  observe('password', (await errorOf(() => promises.createConnection({ ...options, password: 'wrong' }))));
  observe('database', (await errorOf(() => promises.createConnection({ ...options, database: 'absent' }))));
});

start();
