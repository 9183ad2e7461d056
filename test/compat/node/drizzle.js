// Drizzle: typed queries, relational queries, transactions, migrations from files. Its driver is mysql2.
'use strict';

const fs = require('fs');
const os = require('os');
const path = require('path');
const mysql2 = require('mysql2/promise');
const { drizzle } = require('drizzle-orm/mysql2');
const { migrate } = require('drizzle-orm/mysql2/migrator');
const { relations, eq, gt, sql } = require('drizzle-orm');
const core = require('drizzle-orm/mysql-core');
const { options, scenario, observe, errorOf, start } = require('./scenario');

const authors = core.mysqlTable('authors', {
  id: core.int('id').primaryKey().autoincrement(),
  name: core.varchar('name', { length: 50 }).unique(),
  money: core.decimal('money', { precision: 20, scale: 5 }),
  big: core.bigint('big', { mode: 'bigint' }),
  born: core.date('born', { mode: 'string' }),
  changed: core.datetime('changed', { fsp: 3 }),
});
const books = core.mysqlTable('books', {
  id: core.int('id').primaryKey().autoincrement(),
  title: core.varchar('title', { length: 50 }).notNull(),
  authorId: core.int('author_id').references(() => authors.id),
});
const authorRelations = relations(authors, ({ many }) => ({ books: many(books) }));
const bookRelations = relations(books, ({ one }) => ({
  author: one(authors, { fields: [books.authorId], references: [authors.id] }) }));
const schema = { authors, books, authorRelations, bookRelations };

// What drizzle-kit writes: a journal and one file per migration.
function migrationsFolder() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'weir-compat-drizzle-'));
  const files = { '0000_first': `CREATE TABLE authors (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(50) UNIQUE,
      money DECIMAL(20,5), big BIGINT, born DATE, changed DATETIME(3));
--> statement-breakpoint
CREATE TABLE books (id INT AUTO_INCREMENT PRIMARY KEY, title VARCHAR(50) NOT NULL, author_id INT);`,
  '0001_second': 'ALTER TABLE books ADD CONSTRAINT by_author FOREIGN KEY (author_id) REFERENCES authors (id);' };
  fs.mkdirSync(path.join(folder, 'meta'));
  Object.entries(files).forEach(([name, text]) => fs.writeFileSync(path.join(folder, `${name}.sql`), text));
  fs.writeFileSync(path.join(folder, 'meta/_journal.json'), JSON.stringify({ version: '7', dialect: 'mysql',
    entries: Object.keys(files).map((tag, idx) => ({ idx, version: '5', when: 1700000000000 + idx, tag, breakpoints: true })) }));
  return folder;
}

async function connected(use) {
  const connection = await mysql2.createConnection({ ...options, timezone: 'Z' });
  const folder = migrationsFolder();
  try {
    const db = drizzle(connection, { schema, mode: 'default' });
    await migrate(db, { migrationsFolder: folder });
    await db.delete(books);
    await db.delete(authors);
    await use(db, folder);
  } finally {
    connection.destroy();
    fs.rmSync(folder, { recursive: true });
  }
}

scenario('migrations', 2, () => connected(async (db, folder) => {
  await migrate(db, { migrationsFolder: folder });
  observe('recorded', (await db.execute(sql`SELECT id, created_at FROM __drizzle_migrations ORDER BY id`))[0]);
  observe('tables', (await db.execute(sql`SELECT table_name AS t FROM information_schema.tables
    WHERE table_schema = DATABASE() ORDER BY 1`))[0]);
}));

scenario('queries', 7, () => connected(async (db) => {
  const [{ id }] = await db.insert(authors).values([{ name: 'Ursula 😀', money: '12345.67891', big: 9223372036854775807n,
    born: '1929-10-21', changed: new Date('2024-02-29T12:00:00.123Z') }, { name: 'Stanisław' }]).$returningId();
  const named = ({ name, money, big, born, changed }) => ({ name, money, big, born, changed });
  observe('read at once', (await db.select().from(authors).orderBy(authors.id)).map(named));
  const [changed] = await db.update(authors).set({ money: '-0.5' }).where(eq(authors.id, id));
  observe('update', [changed.affectedRows, changed.info]);
  observe('where', (await db.select().from(authors).where(gt(authors.money, '-1'))).map(named));
  await db.insert(authors).values({ name: 'Stanisław', money: '7' }).onDuplicateKeyUpdate({ set: { money: '8' } });
  observe('upsert', await db.select({ name: authors.name, money: authors.money }).from(authors).where(eq(authors.money, '8')));
  const prepared = db.select({ name: authors.name }).from(authors).where(eq(authors.name, sql.placeholder('n'))).prepare();
  observe('prepared', [await prepared.execute({ n: 'Stanisław' }), await prepared.execute({ n: 'nobody' })]);
  observe('count', await db.$count(authors));
  observe('delete', [(await db.delete(authors).where(eq(authors.id, id)))[0].affectedRows, await db.$count(authors)]);
}));

scenario('relations', 2, () => connected(async (db) => {
  const [{ id }] = await db.insert(authors).values({ name: 'A' }).$returningId();
  await db.insert(books).values([{ title: 'one', authorId: id }, { title: 'two', authorId: id }, { title: 'alone' }]);
  observe('join', await db.select({ title: books.title, name: authors.name }).from(books)
    .leftJoin(authors, eq(books.authorId, authors.id)).orderBy(books.title));
  observe('foreign key', (await errorOf(() => db.insert(books).values({ title: 'bad', authorId: 987654 }))).slice(0, 3));
}));

// Relational queries are lateral joins, which MariaDB does not have.
if (process.env.COMPAT_FLAVOR === 'mysql') {
  scenario('relational-queries', 1, () => connected(async (db) => {
    const [{ id }] = await db.insert(authors).values({ name: 'A' }).$returningId();
    await db.insert(books).values([{ title: 'one', authorId: id }, { title: 'two', authorId: id }]);
    observe('eager', await db.query.authors.findMany({ columns: { name: true },
      with: { books: { columns: { title: true }, orderBy: books.title } } }));
  }));
}

scenario('transactions', 4, () => connected(async (db) => {
  await db.transaction(async (tx) => {
    await tx.insert(authors).values({ name: 'in' });
    await tx.transaction(async (inner) => {
      await inner.insert(authors).values({ name: 'undone' });
      inner.rollback();
    }).catch((error) => observe('inner', error.constructor.name));
    observe('own view', await tx.select({ name: authors.name }).from(authors));
  }, { isolationLevel: 'read committed' });
  observe('failed', await errorOf(() => db.transaction(async (tx) => {
    await tx.insert(authors).values({ name: 'out' });
    await tx.insert(authors).values({ name: 'in' });
  })));
  observe('afterwards', await db.transaction((tx) => tx.select({ name: authors.name }).from(authors),
    { accessMode: 'read only' }));
}));

start();
