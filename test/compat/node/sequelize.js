// Sequelize: models, associations, eager loading, transactions, migrations by its query interface.
'use strict';

const { Sequelize, DataTypes, Op, QueryTypes } = require('sequelize');
const { options, mysql, scenario, observe, errorOf, until, start } = require('./scenario');

// On MariaDB it uses MariaDB's driver, on MySQL mysql2.
async function connected(extra, use) {
  const sequelize = new Sequelize(options.database, options.user, options.password, {
    host: options.host, port: options.port, dialect: mysql ? 'mysql' : 'mariadb', logging: false,
    // One connection, unless the scenario is about more: another session may not see yet what this one wrote.
    pool: { max: 1 }, define: { timestamps: false }, ...extra });
  try {
    await use(sequelize);
  } finally {
    await sequelize.close();
  }
}

function models(sequelize) {
  const Author = sequelize.define('Author', { name: { type: DataTypes.STRING, unique: true },
    born: DataTypes.DATEONLY, money: DataTypes.DECIMAL(20, 5), big: DataTypes.BIGINT, picture: DataTypes.BLOB,
    active: { type: DataTypes.BOOLEAN, defaultValue: true } });
  const Book = sequelize.define('Book', { title: DataTypes.STRING, sold: DataTypes.INTEGER });
  const Tag = sequelize.define('Tag', { word: DataTypes.STRING });
  Author.hasMany(Book);
  Book.belongsTo(Author);
  Book.belongsToMany(Tag, { through: 'BookTags' });
  Tag.belongsToMany(Book, { through: 'BookTags' });
  return { Author, Book, Tag };
}

const plain = (found) => JSON.parse(JSON.stringify(found));

scenario('models', 9, () => connected({}, async (sequelize) => {
  const { Author, Book } = models(sequelize);
  await sequelize.sync({ force: true });
  const author = await Author.create({ name: 'Ursula 😀', born: '1929-10-21', money: '12345.67891', big: '9223372036854775807',
    picture: Buffer.from([0, 255, 39]) });
  observe('created', plain(author));
  observe('read at once', plain(await Author.findByPk(author.id)));
  await author.update({ money: '-0.5', born: null });
  observe('updated', plain(await author.reload()));
  observe('bulk', (await Book.bulkCreate([1, 2, 3].map((n) => ({ title: `book ${n}`, sold: n * 10, AuthorId: author.id }))))
    .map((book) => book.title));
  observe('where', plain(await Book.findAll({ where: { sold: { [Op.between]: [15, 35] } }, order: [['id', 'DESC']] })));
  observe('aggregate', [await Book.count(), await Book.sum('sold'), await Book.max('title')]);
  observe('find or create', (await Author.findOrCreate({ where: { name: 'Stanisław' }, defaults: { born: '1921-09-12' } }))
    .map(plain));
  observe('upsert', (await Author.upsert({ id: author.id, name: 'Ursula K.' })).length);
  observe('destroyed', [await Book.destroy({ where: { sold: 10 } }), await Book.count()]);
}));

scenario('eager-loading', 4, () => connected({}, async (sequelize) => {
  const { Author, Book, Tag } = models(sequelize);
  await sequelize.sync({ force: true });
  const author = await Author.create({ name: 'A', Books: [{ title: 'one' }, { title: 'two' }] }, { include: Book });
  const [first] = await author.getBooks({ order: ['id'] });
  await first.addTags(await Promise.all(['x', 'y'].map((word) => Tag.create({ word }))));
  observe('nested', plain(await Author.findAll({ include: { model: Book, include: Tag }, order: ['id', [Book, 'id', 'ASC'],
    [Book, Tag, 'word', 'ASC']] })).map((row) => row.Books.map((book) => [book.title, book.Tags.map((tag) => tag.word)])));
  observe('separate', plain(await Author.findAll({ include: { model: Book, separate: true, order: ['id'] } })));
  observe('required', plain(await Book.findAll({ include: { model: Tag, required: true, attributes: ['word'],
    through: { attributes: [] } }, attributes: ['title'], order: [[Tag, 'word', 'ASC']] })));
  observe('count', await first.countTags());
}));

scenario('transactions', 4, () => connected({ pool: { max: 3 } }, async (sequelize) => {
  const { Author } = models(sequelize);
  await sequelize.sync({ force: true });
  await sequelize.transaction(async (transaction) => {
    await Author.create({ name: 'in' }, { transaction });
    observe('own view', await Author.count({ transaction }));
    observe('locked', plain(await Author.findOne({ where: { name: 'in' }, lock: true, transaction })).name);
  });
  observe('failed', await errorOf(() => sequelize.transaction(async (transaction) => {
    await Author.create({ name: 'out' }, { transaction });
    await Author.create({ name: 'in' }, { transaction });
  })));
  await sequelize.transaction({ isolationLevel: 'READ COMMITTED', readOnly: false }, async (transaction) => {
    observe('afterwards', plain(await Author.findAll({ attributes: ['name'], transaction })));
  });
}));

scenario('migrations', 4, () => connected({}, async (sequelize) => {
  const migrations = sequelize.getQueryInterface();
  await migrations.createTable('moves', { id: { type: DataTypes.INTEGER, primaryKey: true, autoIncrement: true },
    name: DataTypes.STRING(20) });
  await migrations.addColumn('moves', 'extra', { type: DataTypes.INTEGER, defaultValue: 7 });
  await migrations.addIndex('moves', ['name'], { unique: true });
  observe('described', await migrations.describeTable('moves'));
  observe('indexes', (await migrations.showIndex('moves')).map((index) => [index.name, index.unique]));
  await migrations.bulkInsert('moves', [{ name: 'one' }, { name: 'two' }]);
  await migrations.renameColumn('moves', 'extra', 'renamed');
  observe('rows', await sequelize.query('SELECT * FROM moves ORDER BY id', { type: QueryTypes.SELECT }));
  await migrations.dropTable('moves');
  observe('dropped', await errorOf(() => sequelize.query('SELECT * FROM moves')));
}));

scenario('raw', 3, () => connected({}, async (sequelize) => {
  observe('replacements', await sequelize.query('SELECT :a AS a, :b AS b', { replacements: { a: 1, b: "it's" },
    type: QueryTypes.SELECT }));
  observe('bind', await sequelize.query('SELECT $1 AS a, $2 AS b', { bind: [1, 'two'], type: QueryTypes.SELECT }));
  observe('error', await errorOf(() => sequelize.query('SELEC 1')));
}));

scenario('pool', 2, () => connected({ pool: { max: 4 } }, async (sequelize) => {
  const { Book } = models(sequelize);
  await sequelize.sync({ force: true });
  await Promise.all(Array.from({ length: 20 }, (_, n) => Book.create({ title: `book ${n}`, sold: n })));
  observe('seen', await until(async () => (await Book.count()) === 20));
  observe('parallel', (await Promise.all([1, 2, 3, 4].map((n) => sequelize.query(`SELECT ${n} AS n`, { plain: true }))))
    .map((row) => Number(row.n)));
}));

start();
