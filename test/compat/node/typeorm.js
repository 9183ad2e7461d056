// TypeORM: entities without decorators, migrations, relations, transactions, streams. Its driver is mysql2.
'use strict';

require('reflect-metadata');
const { DataSource, EntitySchema, MoreThan, Table } = require('typeorm');
const { options, mysql, scenario, observe, errorOf, start } = require('./scenario');

const Author = new EntitySchema({ name: 'author', columns: {
  id: { type: Number, primary: true, generated: true }, name: { type: String, unique: true, length: 50 },
  born: { type: 'date', nullable: true }, money: { type: 'decimal', precision: 20, scale: 5, nullable: true },
  big: { type: 'bigint', nullable: true }, data: { type: 'blob', nullable: true },
  changed: { type: 'datetime', precision: 3, nullable: true }, version: { type: Number, version: true } },
relations: { books: { type: 'one-to-many', target: 'book', inverseSide: 'author', cascade: true } } });

const Book = new EntitySchema({ name: 'book', columns: {
  id: { type: Number, primary: true, generated: true }, title: { type: String }, sold: { type: Number, default: 0 } },
relations: { author: { type: 'many-to-one', target: 'author', inverseSide: 'books', onDelete: 'CASCADE' },
  tags: { type: 'many-to-many', target: 'tag', joinTable: true, cascade: true } } });

const Tag = new EntitySchema({ name: 'tag', columns: {
  id: { type: Number, primary: true, generated: true }, word: { type: String } } });

class First1700000000001 {
  constructor() { this.name = 'First1700000000001'; }

  async up(runner) {
    await runner.createTable(new Table({ name: 'moves', columns: [{ name: 'id', type: 'int', isPrimary: true }] }));
    await runner.query('INSERT INTO moves VALUES (1), (2)');
  }

  async down(runner) { await runner.dropTable('moves'); }
}

class Second1700000000002 {
  constructor() { this.name = 'Second1700000000002'; }

  async up(runner) { await runner.query("ALTER TABLE moves ADD COLUMN extra VARCHAR(10) NOT NULL DEFAULT 'new'"); }

  async down(runner) { await runner.dropColumn('moves', 'extra'); }
}

async function connected(use) {
  const source = await new DataSource({ type: mysql ? 'mysql' : 'mariadb', host: options.host, port: options.port,
    username: options.user, password: options.password, database: options.database, connectorPackage: 'mysql2',
    entities: [Author, Book, Tag], migrations: [First1700000000001, Second1700000000002], timezone: 'Z',
    poolSize: 1 }).initialize();
  try {
    await use(source);
  } finally {
    await source.destroy();
  }
}

scenario('entities', 7, () => connected(async (source) => {
  await source.synchronize(true);
  const authors = source.getRepository(Author);
  const saved = await authors.save({ name: 'Ursula 😀', born: '1929-10-21', money: '12345.67891', big: '9223372036854775807',
    data: Buffer.from([0, 255, 39]), changed: new Date('2024-02-29T12:00:00.123Z') });
  observe('saved', saved);
  observe('read at once', await authors.findOneBy({ id: saved.id }));
  saved.money = null;
  observe('saved again', await authors.save(saved));
  observe('update', (await authors.update({ id: saved.id }, { big: '-1' })).affected);
  observe('found', await authors.find({ where: { id: MoreThan(0) }, select: { name: true, big: true, version: true } }));
  observe('counted', await authors.findAndCount({ take: 1 }).then(([rows, count]) => [rows.length, count]));
  observe('removed', [(await authors.delete(saved.id)).affected, await authors.count()]);
}));

scenario('relations', 5, () => connected(async (source) => {
  await source.synchronize(true);
  const author = await source.getRepository(Author).save({ name: 'A', books: [{ title: 'one', sold: 3,
    tags: [{ word: 'x' }, { word: 'y' }] }, { title: 'two', tags: [] }] });
  observe('eager', await source.getRepository(Author).find({ relations: { books: { tags: true } },
    order: { books: { id: 'ASC', tags: { word: 'ASC' } } } }));
  observe('builder', await source.getRepository(Book).createQueryBuilder('b').leftJoinAndSelect('b.tags', 't')
    .where('b.sold > :n', { n: 1 }).orderBy('t.word').getMany());
  observe('raw', await source.getRepository(Book).createQueryBuilder('b').select('SUM(b.sold)', 'sum').getRawOne());
  observe('page', await source.getRepository(Book).find({ relations: { tags: true }, skip: 0, take: 1, order: { id: 'ASC' } }));
  await source.getRepository(Author).delete(author.id);
  observe('cascade', await source.getRepository(Book).count());
}));

scenario('transactions', 4, () => connected(async (source) => {
  await source.synchronize(true);
  await source.transaction(async (manager) => {
    await manager.save(Author, { name: 'in' });
    observe('own view', await manager.count(Author));
  });
  observe('failed', await errorOf(() => source.transaction(async (manager) => {
    await manager.insert(Author, { name: 'out' });
    await manager.insert(Author, { name: 'in' });
  })));
  const runner = source.createQueryRunner();
  await runner.startTransaction('SERIALIZABLE');
  await runner.manager.insert(Author, { name: 'undone' });
  await runner.rollbackTransaction();
  observe('rolled back', await runner.manager.find(Author, { select: { name: true } }));
  await runner.release();
  const stream = await source.createQueryRunner().stream('SELECT name FROM author');
  const names = [];
  for await (const row of stream) names.push(row.name);
  observe('stream', names);
}));

scenario('migrations', 5, () => connected(async (source) => {
  observe('pending', await source.showMigrations());
  observe('run', (await source.runMigrations({ transaction: 'each' })).map((migration) => migration.name));
  observe('rows', await source.query('SELECT * FROM moves ORDER BY id'));
  await source.undoLastMigration();
  observe('undone', await source.query('SELECT * FROM moves ORDER BY id'));
  const runner = source.createQueryRunner();
  const table = await runner.getTable('moves');
  observe('table', table.columns.map((column) => [column.name, column.type, column.isPrimary, column.isNullable]));
  await runner.release();
}));

start();
