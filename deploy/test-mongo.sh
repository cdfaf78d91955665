#!/bin/sh
# test-mongo.sh gives tests a MongoDB over the wire, whatever the machine has.
#
#   test-mongo.sh run -- CMD...   starts a private server, runs CMD with
#                                 EYE_TEST_MONGO_URI set, stops the server, and
#                                 returns CMD's exit code
#   test-mongo.sh start           starts one that stays, and prints its URI
#   test-mongo.sh stop            stops that one
#
# The first of these that works is used:
#   1. EYE_TEST_MONGO_URI, already running; nothing is started or stopped
#   2. mongod on the PATH
#   3. a running Docker engine, with the image mongo:8
#   4. Debian as root: FerretDB over PostgreSQL with DocumentDB, which speaks the
#      same protocol; built once into a cache folder (about 90 s, 700 MB)
#
# EYE_TEST_CACHE          cache folder; default ${XDG_CACHE_HOME:-$HOME/.cache}/theeye
# EYE_TEST_MONGO_DURABLE  1 = sync every commit to disk, as benchmarks need; by
#                         default the fourth variant trades that for speed
# EYE_TEST_MONGO_KIND     mongod, docker or ferretdb: use this one, try no other
#
# Any number of runs may happen at once: each has its own ports and data folder,
# and a lock lets one of them build. What a killed run leaves behind is cleared
# by the next one.
set -eu
umask 022

FERRETDB_VERSION=2.7.0
SUITE=forky
DOCUMENTDB_PACKAGE=postgresql-18-documentdb
PG_BIN=/usr/lib/postgresql/18/bin
MONGO_IMAGE=mongo:8

# A root shell may come without the folders of chroot, ldconfig and dpkg.
PATH=$PATH:/usr/sbin:/sbin
GO=${GO:-go}
CACHE=${EYE_TEST_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/theeye}
RUNS=$CACHE/mongo-runs
KIT=$CACHE/ferretdb-$FERRETDB_VERSION-$SUITE-1
ROOT=$KIT/root

say() { printf 'test-mongo: %s\n' "$*" >&2; }
die() {
	say "$*"
	exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# --- processes -----------------------------------------------------------------

# birth PID prints when a process began, so that a reused pid is not mistaken for
# the process we started. Empty for one that is gone, and for a zombie: those
# answer kill -0 for ever, but have no exe any more.
birth() {
	if [ -d /proc/self ]; then
		readlink "/proc/$1/exe" >/dev/null 2>&1 || return 0
		sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20
		return 0
	fi
	case $(ps -o stat= -p "$1" 2>/dev/null) in
	'' | Z*) ;;
	*) ps -o lstart= -p "$1" | tr -s ' ' '_' ;;
	esac
}

# remember FILE PID writes which process FILE stands for.
remember() { printf '%s %s\n' "$2" "$(birth "$2")" >"$1"; }

# alive FILE is true while the process remembered in FILE runs.
alive() {
	[ -s "$1" ] || return 1
	read -r a_pid a_birth <"$1" || return 1
	[ -n "$a_birth" ] && [ "$(birth "$a_pid")" = "$a_birth" ]
}

# end FILE SIGNAL stops the process remembered in FILE, by force after 10 s.
end() {
	alive "$1" || return 0
	read -r e_pid _ <"$1"
	kill -s "$2" "$e_pid" 2>/dev/null || true
	e_left=200
	while alive "$1"; do
		e_left=$((e_left - 1))
		[ $e_left -gt 0 ] || kill -s KILL "$e_pid" 2>/dev/null || true
		[ $e_left -gt -40 ] || return 0
		sleep 0.05
	done
}

# end_group FILE asks the process remembered in FILE, and what it started, to stop.
end_group() {
	alive "$1" || return 0
	read -r e_pid _ <"$1"
	kill -s TERM -- "-$e_pid" 2>/dev/null || kill -s TERM "$e_pid" 2>/dev/null || true
}

# detached CMD... becomes CMD, in a process group of its own where that is
# possible, so that signals from the terminal reach this script alone.
detached() {
	if have setsid; then
		exec setsid "$@"
	fi
	exec "$@"
}

# take_port DIR prints a free port, below the range from which
# kernels hand out ports, and reserves it: a server that found its port taken
# would be seen as ready, because the other one answers.
take_port() {
	mkdir -p "$RUNS/ports"
	while :; do
		t_port=$((20000 + $(od -An -N2 -tu2 /dev/urandom) % 12000))
		t_hex=$(printf ':%04X ' "$t_port")
		if cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -q "$t_hex"; then continue; fi
		mkdir "$RUNS/ports/$t_port" 2>/dev/null || continue
		echo "$t_port" >>"$1/ports"
		echo "$t_port"
		return 0
	done
}

# return_ports DIR gives back what DIR has reserved.
return_ports() {
	[ -s "$1/ports" ] || return 0
	while read -r t_port; do
		rmdir "$RUNS/ports/$t_port" 2>/dev/null || true
	done <"$1/ports"
	rm -f "$1/ports"
}

# until_true SECONDS CMD... polls.
until_true() {
	u_left=$(($1 * 10))
	shift
	until "$@" >/dev/null 2>&1; do
		u_left=$((u_left - 1))
		[ $u_left -gt 0 ] || return 1
		sleep 0.1
	done
}

# locked FILE CMD... runs CMD while holding FILE exclusively. Daemons started inside
# must close descriptor 9, or they keep the lock.
locked() {
	l_file=$1
	shift
	if have flock; then
		(
			flock 9
			"$@"
		) 9>"$l_file"
	else
		"$@"
	fi
}

# --- the three servers; each fills $1, the folder of one instance ----------------

start_mongod() {
	m_port=$(take_port "$1")
	mkdir -p "$1/data"
	(detached mongod --dbpath "$1/data" --bind_ip 127.0.0.1 --port "$m_port" \
		--setParameter ttlMonitorSleepSecs=5) >"$1/mongod.log" 2>&1 </dev/null 9>&- 3<&- &
	remember "$1/mongod.pid" $!
	until_true 60 mongod_settled "$1" || return 1
	alive "$1/mongod.pid" || return 1
	echo "mongodb://127.0.0.1:$m_port/" >"$1/uri"
}

mongod_settled() { grep -q 'Waiting for connections' "$1/mongod.log" || ! alive "$1/mongod.pid"; }

start_docker() {
	docker run --detach --rm --label theeye.test=mongo --publish 127.0.0.1::27017 \
		"$MONGO_IMAGE" --setParameter ttlMonitorSleepSecs=5 >"$1/container" 2>"$1/docker.log" || return 1
	d_id=$(cat "$1/container")
	until_true 60 docker exec "$d_id" mongosh --quiet --eval 'db.runCommand({ping: 1})' || return 1
	d_addr=$(docker port "$d_id" 27017/tcp | head -n 1)
	echo "mongodb://$d_addr/" >"$1/uri"
}

start_ferretdb() {
	# Inside the root, because PostgreSQL sees nothing else.
	mktemp -d "$ROOT/var/lib/theeye/data.XXXXXX" >"$1/pgdata" || return 1
	p_data=$(cat "$1/pgdata")
	p_inside=${p_data#"$ROOT"}
	p_port=$(take_port "$1")
	cp -a "$KIT/template/." "$p_data/" || return 1
	pg_settings "$p_port" >>"$p_data/postgresql.conf"
	in_root "$PG_BIN/pg_ctl" -D "$p_inside" -l "$p_inside/log" -s -w -t 60 start >"$1/pg_ctl.log" 2>&1 </dev/null 9>&- 3<&- || return 1
	remember "$1/postgres.pid" "$(head -n 1 "$p_data/postmaster.pid")"
	# pg_cron keeps the port of the moment the extension was made; with another
	# one its jobs fail, and TTL does not happen. Its jobs that build indexes have
	# nothing to do (see pg_settings), and two new connections every two seconds
	# are a tenth of a processor.
	pg_sql "$p_port" "UPDATE cron.job SET nodeport = inet_server_port(), active = command NOT LIKE '%build_index%'" \
		>>"$1/pg_ctl.log" 2>&1 || return 1

	f_addr=127.0.0.1:$(take_port "$1")
	mkdir -p "$1/ferretdb"
	(detached "$KIT/bin/ferretdb" --no-auth --listen-addr="$f_addr" \
		--postgresql-url="postgres://postgres@127.0.0.1:$p_port/postgres?pool_max_conns=100" \
		--telemetry=disable --debug-addr=- --state-dir="$1/ferretdb" --log-level=error) \
		>"$1/ferretdb.log" 2>&1 </dev/null 9>&- 3<&- &
	remember "$1/ferretdb.pid" $!
	until_true 60 ferretdb_settled "$1" "$f_addr" || return 1
	alive "$1/ferretdb.pid" || return 1
	echo "mongodb://$f_addr/" >"$1/uri"
}

# ping goes through FerretDB to PostgreSQL and back.
ferretdb_settled() {
	"$KIT/bin/ferretdb" ping --no-auth --listen-addr="$2" --debug-addr=- --telemetry=disable \
		--state-dir="$1/ferretdb" || ! alive "$1/ferretdb.pid"
}

# pg_settings PORT prints what one server has beyond the template. The command that
# asks for an index builds it, so that no job looks for indexes to build. The plans of
# tests, over small collections, are not worth compiling or a second process.
pg_settings() {
	cat <<-SETTINGS
		port = $1
		max_connections = 200
		shared_buffers = 256MB
		max_wal_size = 4GB
		dynamic_shared_memory_type = mmap
		documentdb.maxWriteBatchSize = 100000
		documentdb.force_index_builds_blocking = on
		documentdb.enableBackgroundWorkerJobs = off
	SETTINGS
	if [ "${EYE_TEST_MONGO_DURABLE:-}" = 1 ]; then
		printf '%s = on\n' fsync synchronous_commit full_page_writes
	else
		printf '%s = off\n' fsync synchronous_commit full_page_writes jit
		echo 'max_parallel_workers_per_gather = 0'
	fi
}

# in_root CMD... runs CMD as postgres inside the root, without this machine's
# environment: its locale need not exist there.
in_root() { env -i PATH="$PATH" LC_ALL=C.UTF-8 chroot --userspec=postgres:postgres "$ROOT" "$@"; }

pg_sql() { in_root "$PG_BIN/psql" -X -q -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$1" -U postgres -c "$2" postgres </dev/null; }

# --- building the fourth one ------------------------------------------------------

ferretdb_possible() {
	[ "$(id -u)" = 0 ] && [ -f /etc/debian_version ] && have apt-get && have "$GO" && have chroot
}

ferretdb_kit() {
	[ ! -f "$KIT/ready" ] || return 0
	mkdir -p "$CACHE"
	locked "$CACHE/ferretdb.lock" build_kit
}

build_kit() {
	[ ! -f "$KIT/ready" ] || return 0 # another run has built it
	say "building FerretDB $FERRETDB_VERSION and its PostgreSQL once, into $KIT (about 90 s)"
	rm -rf "$KIT"
	mkdir -p "$KIT/bin"
	(build_ferretdb) >"$KIT/go.log" 2>&1 </dev/null 9>&- &
	b_go=$!
	b_ok=yes
	(build_root && build_template) >"$KIT/root.log" 2>&1 </dev/null || b_ok=no
	wait $b_go || b_ok=no
	if [ $b_ok = no ]; then
		tail -n 5 "$KIT/go.log" "$KIT/root.log" >&2
		die "building failed: see $KIT/go.log and $KIT/root.log, or set EYE_TEST_MONGO_URI to a MongoDB of your own"
	fi
	: >"$KIT/ready"
}

build_ferretdb() {
	cd "$KIT"
	GOWORK=off GOFLAGS='' CGO_ENABLED=0 GOBIN=$KIT/bin \
		"$GO" install "github.com/FerretDB/FerretDB/v2/cmd/ferretdb@v$FERRETDB_VERSION"
}

build_root() {
	export DEBIAN_FRONTEND=noninteractive
	[ -n "$(mirror)" ] || apt-get -qq update || return 1
	have mmdebstrap || apt_install mmdebstrap ||
		{ apt-get -qq update && apt_install mmdebstrap; } || return 1
	[ -n "$(mirror)" ] || { echo "no Debian mirror in apt's settings"; return 1; }
	# A cluster made by the package's own script would only cost time.
	mmdebstrap --quiet --variant=essential --aptopt='Acquire::Check-Valid-Until "false"' \
		--include="$DOCUMENTDB_PACKAGE" \
		--essential-hook='mkdir -p "$1/etc/postgresql-common" && echo "create_main_cluster = false" >"$1/etc/postgresql-common/createcluster.conf"' \
		"$SUITE" "$ROOT" "$(mirror)"
}

apt_install() { apt-get install -qq -y --no-install-recommends "$@"; }

# mirror prints where this machine gets Debian from.
mirror() {
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' 2>/dev/null | sed -n 1p
}

build_template() {
	b_port=$(take_port "$KIT")
	mkdir -p "$ROOT/var/lib/theeye"
	chroot "$ROOT" chown postgres:postgres /var/lib/theeye || return 1
	t_data=/var/lib/theeye/template
	in_root "$PG_BIN/initdb" -D "$t_data" -U postgres --auth=trust -E UTF8 --locale=C.UTF-8 --no-sync || return 1
	cat >>"$ROOT$t_data/postgresql.conf" <<-SETTINGS || return 1
		listen_addresses = '127.0.0.1'
		unix_socket_directories = ''
		shared_preload_libraries = 'pg_cron,pg_documentdb_core,pg_documentdb'
		cron.database_name = 'postgres'
		port = $b_port
	SETTINGS
	in_root "$PG_BIN/pg_ctl" -D "$t_data" -l "$t_data/log" -w -t 60 start 9>&- || return 1
	pg_sql "$b_port" 'CREATE EXTENSION documentdb CASCADE' || return 1
	in_root "$PG_BIN/pg_ctl" -D "$t_data" -m fast -w stop || return 1
	return_ports "$KIT"
	rm -f "$ROOT$t_data/log"
	mv "$ROOT$t_data" "$KIT/template"
}

# --- instances ----------------------------------------------------------------------

# kinds prints what this machine can start, best first.
kinds() {
	if [ -n "${EYE_TEST_MONGO_KIND:-}" ]; then
		echo "$EYE_TEST_MONGO_KIND"
		return 0
	fi
	if have mongod; then echo mongod; fi
	if have docker && docker info >/dev/null 2>&1; then echo docker; fi
	if ferretdb_possible; then echo ferretdb; fi
}

# launch DIR starts a server for DIR by the first way that works.
launch() {
	for k in $(kinds); do
		[ "$k" != ferretdb ] || ferretdb_kit || continue
		for try in 1 2 3; do
			if "start_$k" "$1"; then return 0; fi
			k_log=$(tail -qn 2 "$1"/*.log 2>/dev/null | tr '\n' ' ')
			shut "$1"
		done
		say "$k did not start (tried $try times): $k_log"
	done
	die "no MongoDB: set EYE_TEST_MONGO_URI, or put mongod on the PATH, or start Docker, or run as root on Debian with Go"
}

# shut DIR stops what runs for DIR and removes its data, but keeps DIR.
shut() {
	end "$1/mongod.pid" TERM
	end "$1/ferretdb.pid" TERM
	end "$1/postgres.pid" QUIT # at once: the data goes too
	if [ -s "$1/container" ]; then
		docker rm --force --volumes "$(cat "$1/container")" >/dev/null 2>&1 || true
	fi
	if [ -s "$1/pgdata" ]; then
		s_data=$(cat "$1/pgdata")
		# A start that failed half-way may have left a server without a record.
		if [ -s "$s_data/postmaster.pid" ]; then
			remember "$1/postgres.pid" "$(head -n 1 "$s_data/postmaster.pid")"
			end "$1/postgres.pid" QUIT
		fi
		rm -rf "$s_data"
	fi
	return_ports "$1"
	rm -rf "$1/data" "$1/ferretdb" "$1"/*.pid "$1/container" "$1/pgdata" "$1/uri"
}

# reap clears what runs that were killed left behind.
reap() {
	for r_dir in "$RUNS"/run.*; do
		[ -f "$r_dir/owner" ] || continue
		alive "$r_dir/owner" && continue
		end_group "$r_dir/child.pid"
		shut "$r_dir"
		rm -rf "$r_dir"
	done
}

cmd_start() {
	if [ -n "${EYE_TEST_MONGO_URI:-}" ]; then
		echo "$EYE_TEST_MONGO_URI"
		return 0
	fi
	mkdir -p "$RUNS/standing"
	locked "$RUNS/standing.lock" start_standing
}

start_standing() {
	if ! standing; then
		shut "$RUNS/standing"
		launch "$RUNS/standing" >&2
	fi
	cat "$RUNS/standing/uri"
}

# standing is true while the server of "start" runs.
standing() {
	[ -s "$RUNS/standing/uri" ] || return 1
	if [ -s "$RUNS/standing/container" ]; then
		docker inspect "$(cat "$RUNS/standing/container")" >/dev/null 2>&1
		return
	fi
	alive "$RUNS/standing/mongod.pid" ||
		{ alive "$RUNS/standing/ferretdb.pid" && alive "$RUNS/standing/postgres.pid"; }
}

cmd_stop() {
	[ -d "$RUNS/standing" ] || return 0
	locked "$RUNS/standing.lock" shut "$RUNS/standing"
	rm -rf "$RUNS/standing"
}

cmd_run() {
	[ $# -gt 0 ] || usage
	if [ -n "${EYE_TEST_MONGO_URI:-}" ]; then exec "$@"; fi
	mkdir -p "$RUNS"
	locked "$RUNS/reap.lock" reap
	run_dir=$(mktemp -d "$RUNS/run.XXXXXX")
	remember "$run_dir/owner" $$
	child=
	trap leave EXIT
	trap 'interrupted 129' HUP
	trap 'interrupted 130' INT
	trap 'interrupted 143' TERM
	launch "$run_dir"
	EYE_TEST_MONGO_URI=$(cat "$run_dir/uri")
	export EYE_TEST_MONGO_URI
	# In the background, so that a signal is handled while CMD runs; with the
	# caller's input, which the shell takes away from background commands.
	exec 3<&0
	(detached "$@") <&3 3<&- &
	child=$!
	remember "$run_dir/child.pid" $child
	code=0
	wait $child || code=$?
	child=
	exit $code
}

# interrupted CODE ends CMD with everything it started, then this script.
interrupted() {
	trap '' HUP INT TERM
	if [ -n "$child" ]; then
		end_group "$run_dir/child.pid"
		wait "$child" || true
	fi
	exit "$1"
}

leave() {
	trap '' HUP INT TERM
	shut "$run_dir"
	rm -rf "$run_dir"
}

usage() {
	sed -n '2,/^set -eu/s/^# \{0,1\}//p' "$0" >&2
	exit 2
}

verb=${1:-}
[ $# -eq 0 ] || shift
[ "${1:-}" != -- ] || shift
case $verb in
run) cmd_run "$@" ;;
start) cmd_start ;;
stop) cmd_stop ;;
*) usage ;;
esac
