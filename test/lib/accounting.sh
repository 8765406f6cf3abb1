# accounting.sh - MariaDB and slurmdbd of a throw-away cluster's own (cluster.sh sources it)
#
#   cluster_start --accounting [OPTION…]     associations, limits and QOS are enforced;
#                                the cluster's user has account "base", QOS "normal"
#   cluster_account 'SACCTMGR WORDS'…   each as one command, once the cluster is there
#
# Debian: mariadb-server-core, slurmdbd, slurm-wlm-mysql-plugin.  The server listens on a
# socket in the cluster's directory alone; slurmdbd on a port of the cluster's own.

_accounting_lines () {      # PORT: of slurm.conf
    cat <<END
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort=$1
AccountingStoragePass=$CLUSTER_DIR/run/munge.sock
AccountingStorageEnforce=associations,limits,qos
END
}

_accounting_mysql () {      # what is small and need not outlive a power cut
    local d=$CLUSTER_DIR
    # 8 TiB of addresses, as it wants them else, are not to be had in every VM
    local small='--innodb-buffer-pool-size=16M --loose-innodb-buffer-pool-size-max=16M
        --innodb-use-native-aio=0 --innodb-log-file-size=4M
        --innodb-flush-log-at-trx-commit=0 --performance-schema=OFF'
    mkdir -m 700 "$d/db" "$d/mysql" || return 1
    # as mariadb-install-db does it, without what it fills in of help and users: who
    # reaches the socket, root alone, needs no password
    # shellcheck disable=SC2086
    { printf '%s\n' 'create database mysql;' 'use mysql;'; cat /usr/share/m*/m*_system_tables.sql; } |
        mariadbd --no-defaults --bootstrap --user=root --datadir="$d/db" $small \
            >"$d/log/mariadb-bootstrap.log" 2>&1 || return 1
    # shellcheck disable=SC2086
    mariadbd --no-defaults --user=root --datadir="$d/db" --socket="$d/mysql/socket" \
        --pid-file="$d/run/mariadbd.pid" --skip-networking --skip-grant-tables $small \
        >"$d/log/mariadbd.log" 2>&1 &
    wait_for 60 test -S "$d/mysql/socket"
}

_accounting_answers () { sacctmgr -n show cluster >"$CLUSTER_DIR/log/sacctmgr.log" 2>&1; }

_accounting_start () {      # PORT
    local d=$CLUSTER_DIR
    _accounting_mysql || { _cluster_say "MariaDB did not start, see mariadb*.log"; return 1; }
    (umask 077; cat >"$d/slurmdbd.conf" <<END
AuthType=auth/munge
AuthInfo=socket=$d/run/munge.sock
DbdAddr=127.0.0.1
DbdHost=$(hostname -s)
DbdPort=$1
SlurmUser=root
LogFile=$d/log/slurmdbd.log
PidFile=$d/run/slurmdbd.pid
PluginDir=$(_cluster_plugindir)
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=root
StorageLoc=slurm
END
    )
    # libmariadb's own name for another socket than Debian's
    MYSQL_UNIX_PORT=$d/mysql/socket slurmdbd 2>>"$d/log/slurmdbd.err" &&
        wait_for 60 _accounting_answers &&
        cluster_account "add cluster $CLUSTER_NODE" 'add account base' \
            "add user $CLUSTER_USER account=base" ||
        { _cluster_say "slurmdbd did not start, see slurmdbd.*"; return 1; }
}

cluster_account () {
    local words
    for words; do
        # shellcheck disable=SC2086    # words they are
        sacctmgr -i $words >>"$CLUSTER_DIR/log/sacctmgr.log" 2>&1 ||
            { _cluster_say "sacctmgr $words: $(tail -n 3 "$CLUSTER_DIR/log/sacctmgr.log")"; return 1; }
    done
}

_accounting_stop () {
    _cluster_end "$CLUSTER_DIR/run/slurmdbd.pid" slurmdbd
    _cluster_end "$CLUSTER_DIR/run/mariadbd.pid" mariadbd
}
