// Knex: the query builder and its migrations. Its driver is mysql2.
'use strict';

const knexOf = require('knex');
const { options, scenario, observe, errorOf, until, start } = require('./scenario');

const migrationSource = {
  getMigrations: async () => ['1_first', '2_second'],
  getMigrationName: (name) => name,
  getMigration: async (name) => (name === '1_first' ? {
    up: (knex) => knex.schema.createTable('moves', (table) => {
      table.increments('id');
      table.string('name', 20).unique();
      table.timestamp('at').nullable();
    }),
    down: (knex) => knex.schema.dropTable('moves'),
  } : {
    up: async (knex) => {
      await knex.schema.alterTable('moves', (table) => table.integer('extra').defaultTo(7));
      await knex('moves').insert([{ name: 'one' }, { name: 'two' }]);
    },
    down: (knex) => knex.schema.alterTable('moves', (table) => table.dropColumn('extra')),
  }),
};

async function connected(pool, use) {
  const knex = knexOf({ client: 'mysql2', connection: { ...options, timezone: 'Z' }, pool, migrations: { migrationSource } });
  try {
    await use(knex);
  } finally {
    await knex.destroy();
  }
}

const one = { min: 1, max: 1 };

scenario('builder', 8, () => connected(one, async (knex) => {
  await knex.schema.createTable('people', (table) => {
    table.increments('id');
    table.string('name', 50).notNullable();
    table.decimal('money', 20, 5);
    table.json('extra');
    table.date('born');
    table.binary('data');
  });
  observe('insert', await knex('people').insert({ name: 'Ursula 😀', money: '1.5', extra: '{"a": 1}', born: '1929-10-21',
    data: Buffer.from([0, 255]) }));
  observe('read at once', await knex('people').select('id', 'name', 'money', 'born', 'data').first());
  await knex.batchInsert('people', Array.from({ length: 50 }, (_, n) => ({ name: `person ${n}`, money: n })), 20);
  observe('aggregate', await knex('people').count({ c: '*' }).sum({ s: 'money' }).max({ m: 'name' }));
  observe('update', await knex('people').where('money', '>', 40).update({ money: knex.raw('money + ?', [0.5]) }));
  observe('where', await knex('people').whereIn('name', ['person 1', 'person 45']).orderBy('id').select('name', 'money'));
  observe('subquery', await knex('people').where('money', knex('people').max('money')).pluck('name'));
  observe('delete', [await knex('people').where('money', '<', 30).del(), await knex('people').count({ c: '*' })]);
  observe('first insert id', await knex.raw('SELECT LAST_INSERT_ID() > 0 AS yes').then(([rows]) => rows));
}));

scenario('transactions', 4, () => connected({ min: 0, max: 3 }, async (knex) => {
  await knex.schema.createTable('tx', (table) => table.integer('id').primary());
  await knex.transaction(async (trx) => {
    await trx('tx').insert({ id: 1 });
    observe('own view', await trx('tx').select());
    await trx.transaction(async (inner) => {
      await inner('tx').insert({ id: 2 });
      throw new Error('undo the inner one');
    }).catch((error) => observe('inner', error.message));
    observe('after savepoint', await trx('tx').forUpdate().select());
  });
  observe('failed', await errorOf(() => knex.transaction(async (trx) => {
    await trx('tx').insert({ id: 3 });
    await trx('tx').insert({ id: 1 });
  })));
}));

scenario('migrations', 5, () => connected(one, async (knex) => {
  observe('latest', await knex.migrate.latest());
  observe('version', await knex.migrate.currentVersion());
  observe('rows', await knex('moves').orderBy('id'));
  // The server says them in any order.
  observe('columns', Object.entries(await knex('moves').columnInfo()).sort(([one], [other]) => (one < other ? -1 : 1)));
  observe('rollback', [await knex.migrate.rollback(), await knex.schema.hasTable('moves')]);
}));

scenario('streaming', 2, () => connected(one, async (knex) => {
  await knex.schema.createTable('stream', (table) => table.integer('id').primary());
  await knex('stream').insert(Array.from({ length: 1000 }, (_, id) => ({ id })));
  let sum = 0;
  for await (const row of knex('stream').select().stream()) sum += row.id;
  observe('sum', sum);
  observe('error', await errorOf(() => knex('absent').select()));
}));

scenario('pool', 1, () => connected({ min: 0, max: 4 }, async (knex) => {
  await knex.schema.createTable('pool', (table) => table.integer('id').primary());
  await Promise.all(Array.from({ length: 20 }, (_, id) => knex('pool').insert({ id })));
  observe('seen', await until(async () => (await knex('pool').count({ c: '*' }))[0].c === 20));
}));

start();
