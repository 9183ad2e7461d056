-- Reads that take a server's time and none of its processor's: each sleeps, so many milliseconds times the factor in
-- that server's own table `simulation.speed`.

sysbench.cmdline.options = {
   tables = {"not used here", 1},
   table_size = {"not used here", 1},
   milliseconds = {"how long a read takes on an ordinary server", 10},
}

function thread_init()
   connection = sysbench.sql.driver():connect()
   statement = string.format("SELECT SLEEP(%.6f * factor) FROM simulation.speed", sysbench.opt.milliseconds / 1000)
end

function event()
   connection:query(statement)
end

function thread_done()
   connection:disconnect()
end
