// MariaDB's JDBC driver: text and server-side prepared statements, batches in every way it has, streams, procedures.
// The form of the output is described in transcript.py.

import java.math.BigDecimal;
import java.security.MessageDigest;
import java.sql.*;
import java.util.*;

public class Jdbc {
    interface Run { void with(Connection connection) throws Exception; }
    record Scenario(String name, int count, String options, Run run) {}

    static final List<Scenario> scenarios = new ArrayList<>();
    static final boolean MYSQL = "mysql".equals(System.getenv("COMPAT_FLAVOR"));

    static void scenario(String name, int count, String options, Run run) {
        scenarios.add(new Scenario(name, count, options, run));
    }

    static void observe(String label, Object value) {
        StringBuilder line = new StringBuilder("  " + label + ": ");
        for (char letter : String.valueOf(value).toCharArray()) {
            line.append(letter >= ' ' && letter < 127 ? String.valueOf(letter) : String.format("\\u%04x", (int) letter));
        }
        System.out.println(line);
    }

    static Connection connect(String user, String password, String options) throws SQLException {
        return DriverManager.getConnection(String.format("jdbc:mariadb://%s:%s/%s?useSsl=false&allowPublicKeyRetrieval=true%s",
            System.getenv("COMPAT_HOST"), System.getenv("COMPAT_PORT"), System.getenv("COMPAT_DATABASE"), options), user, password);
    }

    static List<List<Object>> rows(ResultSet result) throws Exception {
        List<List<Object>> found = new ArrayList<>();
        while (result.next()) {
            List<Object> row = new ArrayList<>();
            for (int at = 1; at <= result.getMetaData().getColumnCount(); at++) {
                Object value = result.getObject(at);
                row.add(value instanceof byte[] bytes ? digest(bytes) : value);
            }
            found.add(row);
        }
        return found;
    }

    static List<List<Object>> select(Connection connection, String sql, Object... values) throws Exception {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int at = 0; at < values.length; at++) statement.setObject(at + 1, values[at]);
            return rows(statement.executeQuery());
        }
    }

    static int change(Connection connection, String sql, Object... values) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int at = 0; at < values.length; at++) statement.setObject(at + 1, values[at]);
            return statement.executeUpdate();
        }
    }

    // The driver puts the connection's id, and sometimes the port, into the text.
    static String errorOf(Run run, Connection connection) throws Exception {
        try {
            run.with(connection);
        } catch (SQLException error) {
            return error.getClass().getSimpleName() + " " + error.getErrorCode() + " " + error.getSQLState() + " "
                + error.getMessage().replaceAll("(conn|port)[:=]\\d+", "$1");
        }
        throw new IllegalStateException("the server should have refused this");
    }

    static String digest(byte[] data) throws Exception {
        byte[] hash = MessageDigest.getInstance("SHA-256").digest(data);
        return data.length + " bytes " + HexFormat.of().formatHex(hash, 0, 8);
    }

    static byte[] pattern(int size) {
        byte[] data = new byte[size];
        for (int at = 0; at < size; at++) data[at] = (byte) (at + (at >> 8) * 7);
        return data;
    }

    static void register() {
        for (String how : List.of("text", "server")) {
            String options = how.equals("server") ? "&useServerPrepStmts=true" : "";

            scenario("crud-" + how, 7, options, connection -> {
                String table = "crud_" + how;
                change(connection, "CREATE TABLE " + table + " (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(50))");
                try (PreparedStatement insert = connection.prepareStatement("INSERT INTO " + table + " (name) VALUES (?)",
                        Statement.RETURN_GENERATED_KEYS)) {
                    for (String name : List.of("one", "it's \uD83D\uDE00")) {
                        insert.setString(1, name);
                        insert.executeUpdate();
                        observe("key", rows(insert.getGeneratedKeys()));
                    }
                }
                observe("read at once", select(connection, "SELECT * FROM " + table + " WHERE id > ? ORDER BY id", 0));
                observe("update", change(connection, "UPDATE " + table + " SET name = ? WHERE id = ?", "changed", 2));
                observe("read update", select(connection, "SELECT name FROM " + table + " WHERE id = ?", 2));
                observe("delete", change(connection, "DELETE FROM " + table + " WHERE id = 1"));
                observe("count", select(connection, "SELECT COUNT(*) FROM " + table));
            });

            scenario("values-" + how, 4, options, connection -> {
                String table = "values_" + how;
                change(connection, "CREATE TABLE " + table + " (id INT PRIMARY KEY, big BIGINT, ubig BIGINT UNSIGNED, "
                    + "d DECIMAL(30,10), f DOUBLE, day DATE, moment DATETIME(6), t TIME, b BLOB, s VARCHAR(50) CHARACTER SET utf8mb4)");
                String insert = "INSERT INTO " + table + " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
                observe("full", change(connection, insert, 1, Long.MIN_VALUE, new BigDecimal("18446744073709551615"),
                    new BigDecimal("-12345678901234567890.0123456789"), 0.1, java.sql.Date.valueOf("2024-02-29"),
                    Timestamp.valueOf("1999-12-31 23:59:59.123456"), Time.valueOf("13:14:15"), pattern(256), "na\u00efve \u4f60\u597d"));
                observe("null", change(connection, insert, 2, null, null, null, null, null, null, null, null, null));
                observe("rows", select(connection, "SELECT * FROM " + table + " WHERE id > ? ORDER BY id", 0));
                try (PreparedStatement statement = connection.prepareStatement("SELECT * FROM " + table + " WHERE id = ?")) {
                    ResultSetMetaData data = statement.getMetaData();
                    List<String> columns = new ArrayList<>();
                    for (int at = 1; at <= data.getColumnCount(); at++) {
                        columns.add(data.getColumnName(at) + " " + data.getColumnTypeName(at) + " " + data.getPrecision(at));
                    }
                    observe("columns", columns);
                }
            });

            scenario("blobs-" + how, 4, options, connection -> {
                change(connection, "CREATE TABLE blobs_" + how + " (id INT PRIMARY KEY, data LONGBLOB)");
                for (int size : new int[] {2 << 20, 17 << 20}) {
                    try (PreparedStatement insert = connection.prepareStatement("INSERT INTO blobs_" + how + " VALUES (?, ?)")) {
                        insert.setInt(1, size);
                        insert.setBinaryStream(2, new java.io.ByteArrayInputStream(pattern(size)));
                        observe("write " + size, insert.executeUpdate());
                    }
                    observe("read " + size, select(connection, "SELECT data FROM blobs_" + how + " WHERE id = ?", size));
                }
            });
        }

        for (String options : List.of("", "&rewriteBatchedStatements=true", "&useBulkStmts=true", "&useBulkStmts=false",
                "&useServerPrepStmts=true&useBulkStmts=false", "&useBatchMultiSend=false&useBulkStmts=false")) {
            String name = "batch" + options.replace("=true", "-on").replace("=false", "-off").replace("&", "-");
            scenario(name, 5, options, connection -> {
                change(connection, "CREATE TABLE batch (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(20) UNIQUE, n INT)");
                try (PreparedStatement insert = connection.prepareStatement("INSERT INTO batch (name, n) VALUES (?, ?)",
                        Statement.RETURN_GENERATED_KEYS)) {
                    for (int n = 0; n < 200; n++) {
                        insert.setString(1, "row " + n);
                        insert.setObject(2, n % 7 == 0 ? null : n);
                        insert.addBatch();
                    }
                    observe("counts", Arrays.toString(insert.executeBatch()));
                    observe("keys", rows(insert.getGeneratedKeys()).size());
                    observe("rows", select(connection, "SELECT COUNT(*), SUM(n), MAX(name) FROM batch"));
                    for (String word : List.of("new", "row 3", "later")) {
                        insert.setString(1, word);
                        insert.setInt(2, 1);
                        insert.addBatch();
                    }
                    observe("duplicate", errorOf(unused -> insert.executeBatch(), connection));
                }
                try (Statement statement = connection.createStatement()) {
                    statement.addBatch("UPDATE batch SET n = 1 WHERE id < 3");
                    statement.addBatch("DELETE FROM batch WHERE id = 3");
                    statement.addBatch("DROP TABLE batch");
                    observe("texts", Arrays.toString(statement.executeBatch()));
                }
            });
        }

        scenario("transactions", 5, "", connection -> {
            change(connection, "CREATE TABLE tx (id INT PRIMARY KEY)");
            connection.setAutoCommit(false);
            change(connection, "INSERT INTO tx VALUES (1)");
            Savepoint savepoint = connection.setSavepoint("s");
            change(connection, "INSERT INTO tx VALUES (2)");
            observe("own view", select(connection, "SELECT * FROM tx ORDER BY id"));
            connection.rollback(savepoint);
            connection.commit();
            observe("committed", select(connection, "SELECT * FROM tx"));
            connection.rollback();
            connection.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
            change(connection, "INSERT INTO tx VALUES (3)");
            connection.rollback();
            connection.setAutoCommit(true);
            observe("rolled back", select(connection, "SELECT * FROM tx"));
            observe("isolation", connection.getTransactionIsolation());
            connection.setReadOnly(true);
            observe("read only", select(connection, "SELECT COUNT(*) FROM tx"));
            connection.setReadOnly(false);
        });

        scenario("errors", 5, "", connection -> {
            change(connection, "CREATE TABLE e (id INT PRIMARY KEY)");
            change(connection, "INSERT INTO e VALUES (1)");
            for (String sql : List.of("INSERT INTO e VALUES (1)", "SELEC 1", "SELECT * FROM absent", "SELECT absent FROM e")) {
                observe(sql, errorOf(with -> { try (Statement s = with.createStatement()) { s.execute(sql); } }, connection));
            }
            observe("still usable", select(connection, "SELECT * FROM e"));
        });

        // MariaDB is told the limit with the statement; on MySQL the driver kills the statement from another connection.
        scenario("timeout", 1, "", connection -> {
            try (Statement statement = connection.createStatement()) {
                statement.setQueryTimeout(1);
                String sql = "SELECT SLEEP(20)";
                observe("slept", MYSQL ? rows(statement.executeQuery(sql))
                                       : errorOf(with -> statement.executeQuery(sql), connection));
            }
        });

        scenario("several-statements", 2, "&allowMultiQueries=true", connection -> {
            try (Statement statement = connection.createStatement()) {
                List<Object> seen = new ArrayList<>();
                boolean isRows = statement.execute("CREATE TABLE m (id INT); INSERT INTO m VALUES (1), (2); SELECT * FROM m; SELECT 3");
                while (isRows || statement.getUpdateCount() != -1) {
                    seen.add(isRows ? rows(statement.getResultSet()) : statement.getUpdateCount());
                    isRows = statement.getMoreResults();
                }
                observe("results", seen);
                statement.setFetchSize(1); // rows are then taken from the network one by one
                observe("stream", rows(statement.executeQuery("SELECT id FROM m ORDER BY id")));
            }
        });

        scenario("procedures", 2, "", connection -> {
            change(connection, "CREATE PROCEDURE p (IN a INT, OUT b INT) BEGIN SELECT a AS first; SET b = a * 2; END");
            try (CallableStatement call = connection.prepareCall("{call p(?, ?)}")) {
                call.setInt(1, 21);
                call.registerOutParameter(2, Types.INTEGER);
                call.execute();
                observe("rows", rows(call.getResultSet()));
                observe("out", call.getInt(2));
            }
        });

        scenario("session", 6, "&sessionVariables=time_zone='+05:00'", connection -> {
            observe("variables", select(connection, "SELECT @@time_zone, @@autocommit, DATABASE()"));
            connection.setCatalog("sbtest");
            observe("catalogue", connection.getCatalog() + select(connection, "SELECT DATABASE()"));
            connection.setCatalog(System.getenv("COMPAT_DATABASE"));
            DatabaseMetaData data = connection.getMetaData();
            observe("version", data.getDatabaseProductName() + " " + data.getDatabaseProductVersion());
            change(connection, "CREATE TABLE info (id INT PRIMARY KEY, name VARCHAR(20) NOT NULL)");
            observe("columns", rows(data.getColumns(null, null, "info", "%")));
            observe("valid", connection.isValid(5));
            observe("wrong password", errorOf(with -> connect("app", "wrong", ""), connection));
        });
    }

    public static void main(String[] arguments) throws Exception {
        register();
        for (Scenario planned : scenarios) System.out.println("plan " + planned.name + " " + planned.count);
        if (System.getenv("COMPAT_PLAN") != null) return;
        List<String> only = List.of(System.getenv("COMPAT_ONLY").split(","));
        for (Scenario planned : scenarios) {
            if (!only.contains(planned.name)) continue;
            System.out.println("begin " + planned.name);
            try (Connection connection = connect(System.getenv("COMPAT_USER"), System.getenv("COMPAT_PASSWORD"), planned.options)) {
                planned.run.with(connection);
                System.out.println("end " + planned.name);
            } catch (Exception error) {
                System.out.println("error " + planned.name + " " + error.toString().replace('\n', ' '));
            }
        }
        System.exit(0);
    }
}
