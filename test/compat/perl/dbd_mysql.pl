#!/usr/bin/perl
# DBD::mysql over MariaDB's Connector/C. The form of the output is described in transcript.py.
use strict;
use warnings;
use utf8;
use DBI;
use Digest::SHA qw(sha256_hex);

$| = 1;
binmode STDOUT, ':utf8';
my @scenarios;

# Registers a scenario that makes `count` observations.
sub scenario { my ($name, $count, $run) = @_; push @scenarios, { name => $name, count => $count, run => $run }; }

sub observe { my ($label, $value) = @_; print "  $label: ", readable($value), "\n"; }

# Any value on one line; bytes that are no text as escapes.
sub readable {
    my ($value) = @_;
    return 'NULL' unless defined $value;
    return '[' . join(', ', map { readable($_) } @$value) . ']' if ref $value eq 'ARRAY';
    return '{' . join(', ', map { "$_: " . readable($value->{$_}) } sort keys %$value) . '}' if ref $value eq 'HASH';
    return length($value) . ' bytes ' . sha256_hex($value) if length $value > 1000;
    return '"' . ($value =~ s/([^ -~])/sprintf '\\x{%x}', ord $1/ger) . '"';
}

sub connected {
    my ($options, $use, $attributes) = @_;
    my $source = "DBI:mysql:database=$ENV{COMPAT_DATABASE};host=$ENV{COMPAT_HOST};port=$ENV{COMPAT_PORT};mysql_ssl=0$options";
    my $handle = DBI->connect($source, $ENV{COMPAT_USER}, $ENV{COMPAT_PASSWORD},
        { RaiseError => 1, PrintError => 0, mysql_enable_utf8mb4 => 1, %{ $attributes || {} } });
    $use->($handle);
    $handle->disconnect;
}

# Number, SQLSTATE and text of the error that the statement must cause.
sub error_of {
    my ($handle, $sql) = @_;
    die "the server should have refused this\n" if eval { $handle->do($sql); 1 };
    return [ $handle->err, $handle->state, $handle->errstr ];
}

sub rows { my ($handle, $sql, @values) = @_; return $handle->selectall_arrayref($sql, undef, @values); }

# Text statements, and statements that the server prepares.
for my $prepared (0, 1) {
    my $how = $prepared ? 'prepared' : 'text';
    my $options = ";mysql_server_prepare=$prepared";

    scenario("crud-$how", 8, sub { connected($options, sub {
        my ($handle) = @_;
        $handle->do("CREATE TABLE crud_$how (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(50))");
        my $insert = $handle->prepare("INSERT INTO crud_$how (name) VALUES (?)");
        observe("insert", $insert->execute($_)) for 'one', "it's";
        observe('last id', $handle->last_insert_id(undef, undef, undef, undef));
        observe('read at once', rows($handle, "SELECT * FROM crud_$how WHERE id > ? ORDER BY id", 0));
        observe('update', $handle->do("UPDATE crud_$how SET name = ? WHERE id = ?", undef, 'changed', 2));
        observe('read update', $handle->selectrow_hashref("SELECT name, id FROM crud_$how WHERE id = ?", undef, 2));
        observe('delete', $handle->do("DELETE FROM crud_$how WHERE id = 1"));
        observe('count', rows($handle, "SELECT COUNT(*) FROM crud_$how"));
    }) });

    scenario("values-$how", 4, sub { connected($options, sub {
        my ($handle) = @_;
        $handle->do("CREATE TABLE values_$how (id INT PRIMARY KEY, big BIGINT, ubig BIGINT UNSIGNED, d DECIMAL(30,10), "
            . 'day DATE, moment DATETIME(6), b BLOB, s VARCHAR(50) CHARACTER SET utf8mb4)');
        my $insert = $handle->prepare("INSERT INTO values_$how VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
        observe('full', $insert->execute(1, '-9223372036854775808', '18446744073709551615', '-12345678901234567890.0123456789',
            '2024-02-29', '1999-12-31 23:59:59.123456', join('', map { chr } 0 .. 127), "naïve 你好 \x{1F600}"));
        observe('null', $insert->execute(2, (undef) x 7));
        observe('rows', rows($handle, "SELECT * FROM values_$how WHERE id > ? ORDER BY id", 0));
        my $select = $handle->prepare("SELECT * FROM values_$how WHERE id = ?");
        $select->execute(1);
        observe('columns', [ $select->{NAME}, $select->{mysql_type_name} ]);
        $select->finish;
    }) });

    scenario("blobs-$how", 4, sub { connected($options, sub {
        my ($handle) = @_;
        $handle->do("CREATE TABLE blobs_$how (id INT PRIMARY KEY, data LONGBLOB)");
        for my $size (2 << 20, 17 << 20) {
            my $data = substr(join('', map { chr } 0 .. 250) x ($size / 251 + 1), 0, $size);
            my $insert = $handle->prepare("INSERT INTO blobs_$how VALUES (?, ?)");
            $insert->bind_param(1, $size);
            $insert->bind_param(2, $data, DBI::SQL_BLOB());
            observe("write $size", $insert->execute);
            my ($got) = $handle->selectrow_array("SELECT data FROM blobs_$how WHERE id = ?", undef, $size);
            observe("read $size", [ length $got, $got eq $data ? 'same' : 'other' ]);
        }
    }, { mysql_enable_utf8mb4 => 0 }) });
}

scenario('transactions', 4, sub { connected('', sub {
    my ($handle) = @_;
    $handle->do('CREATE TABLE tx (id INT PRIMARY KEY)');
    $handle->begin_work;
    $handle->do('INSERT INTO tx VALUES (1)');
    observe('own view', rows($handle, 'SELECT * FROM tx'));
    $handle->rollback;
    observe('rolled back', rows($handle, 'SELECT * FROM tx'));
    $handle->begin_work;
    $handle->do('INSERT INTO tx VALUES (2)');
    $handle->commit;
    observe('committed', rows($handle, 'SELECT * FROM tx'));
    $handle->{AutoCommit} = 0;
    $handle->do('INSERT INTO tx VALUES (3)');
    $handle->rollback;
    $handle->{AutoCommit} = 1;
    observe('autocommit', rows($handle, 'SELECT id, @@autocommit FROM tx'));
}) });

scenario('errors', 6, sub { connected('', sub {
    my ($handle) = @_;
    $handle->do('CREATE TABLE e (id INT PRIMARY KEY)');
    $handle->do('INSERT INTO e VALUES (1)');
    observe($_, error_of($handle, $_)) for 'INSERT INTO e VALUES (1)', 'SELEC 1', 'SELECT * FROM absent', 'CALL absent()';
    observe('still usable', rows($handle, 'SELECT * FROM e'));
    eval { DBI->connect("DBI:mysql:host=$ENV{COMPAT_HOST};port=$ENV{COMPAT_PORT}", $ENV{COMPAT_USER}, 'wrong',
        { RaiseError => 1, PrintError => 0 }) };
    observe('wrong password', [ $DBI::err, $DBI::state, $DBI::errstr ]);
}) });

scenario('results', 4, sub { connected(';mysql_multi_statements=1', sub {
    my ($handle) = @_;
    my $statement = $handle->prepare('CREATE TABLE m (id INT); INSERT INTO m VALUES (1), (2); SELECT * FROM m; SELECT 3');
    $statement->execute;
    my @seen;
    do { push @seen, $statement->{NUM_OF_FIELDS} ? $statement->fetchall_arrayref : $statement->rows } while $statement->more_results;
    observe('several', \@seen);
    $handle->do('CREATE PROCEDURE p (IN a INT) BEGIN SELECT a; SELECT a * 2; END');
    my $call = $handle->prepare('CALL p(?)');
    $call->execute(4);
    my @sets;
    do { push @sets, $call->fetchall_arrayref if $call->{NUM_OF_FIELDS} } while $call->more_results;
    observe('procedure', \@sets);
    my $use = $handle->prepare('SELECT * FROM m ORDER BY id', { mysql_use_result => 1 });
    $use->execute;
    observe('unbuffered', $use->fetchall_arrayref);
    observe('info', [ $handle->do('UPDATE m SET id = 5'), $handle->{mysql_info} ]);
}) });

scenario('session', 4, sub { connected('', sub {
    my ($handle) = @_;
    $handle->do("SET \@v = 1, time_zone = '+05:00', sql_mode = 'ANSI_QUOTES'");
    observe('set', rows($handle, 'SELECT @v, @@time_zone, @@sql_mode'));
    observe('ping', [ $handle->ping, $handle->{mysql_serverinfo}, $handle->{mysql_thread_id} > 0 ? 1 : 0 ]);
    observe('tables', [ map { s/.*\.//r } $handle->tables(undef, $ENV{COMPAT_DATABASE}, 'crud_%', 'TABLE') ]);
    $handle->do('CREATE TABLE "info" (id INT PRIMARY KEY, name VARCHAR(20) NOT NULL)');
    observe('columns', $handle->column_info(undef, $ENV{COMPAT_DATABASE}, 'info', '%')->fetchall_arrayref(
        { COLUMN_NAME => 1, TYPE_NAME => 1, COLUMN_SIZE => 1, NULLABLE => 1 }));
}) });

print "plan $_->{name} $_->{count}\n" for @scenarios;
exit 0 if $ENV{COMPAT_PLAN};
my %only = map { $_ => 1 } split /,/, $ENV{COMPAT_ONLY} // '';
for my $planned (grep { $only{ $_->{name} } } @scenarios) {
    print "begin $planned->{name}\n";
    if (eval { $planned->{run}->(); 1 }) { print "end $planned->{name}\n"; }
    else { print "error $planned->{name} ", readable("$@"), "\n"; }
}
