"""Throwaway MySQL and MariaDB clusters on loopback, for tests, the demo and benchmarks.

Read in this order:

* ``cli``          the ``test/cluster`` command
* ``lifecycle``    start, stop, kill, restart, promote: what the command does
* ``state``        what is remembered about a cluster (``cluster.json``, ``cluster.env``)
* ``flavors``      everything that differs between MariaDB and MySQL
* ``groups``       clusters without a fixed primary: Group Replication and Galera
* ``accounts``     the accounts and passwords that every cluster has
* ``template``     a data folder initialised once and copied for each server
* ``debian_unstable`` how servers are had from Debian's unstable suite without installing them
* ``processes``    processes known by id *and* start time, ports, folder locks
"""
