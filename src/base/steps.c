/*
 * steps.c
 *	  Crash points, in builds with BARQ_CRASH_POINTS=1 only.
 *
 * The file barq_crash_point in the data directory gives an order to every process
 * that starts after the file was written:
 *
 *	  record
 *		  append the name of each step reached to barq_crash_log
 *	  stop <lock> <name>
 *		  wait once at the step, as after barq_stop_at()
 *	  crash <pass> <flush|lose> <backend|server|error> <name>
 *		  crash when this process reaches the step for the pass-th time
 *		  flush: flush the WAL that this process has written, first
 *		  lose: that WAL may be lost
 *		  backend: kill this process
 *		  server: kill the postmaster, then this process
 *		  error: only raise an error
 *
 * A process removes the file before it stops or crashes, so that this happens
 * once.
 *
 * barq_stop_at(name, lock) makes the session wait once at a step until no process
 * holds that advisory lock: with it, isolation specs run commands in the middle of
 * a seal, a merge or a VACUUM.
 */
#include "postgres.h"

#include "base/steps.h"

#ifdef BARQ_CRASH_POINTS

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "access/xact.h"
#include "access/xlog.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/tuplestore.h"

#define POINT_FILE	"barq_crash_point"
#define LOG_FILE	"barq_crash_log"

PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_crash_points);
PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_stop_at);

/* made by the linker: the section's bounds */
extern BarqStep *const __start_barq_steps[];
extern BarqStep *const __stop_barq_steps[];

/* The content of the file. */
typedef struct Order
{
	bool		read;			/* the file has been looked for (and read, if it
								 * existed) */
	bool		record;
	bool		crash;
	unsigned	pass;
	bool		flush;
	bool		server;
	bool		error;
	char		name[128];
} Order;

static Order order;
static const BarqStep *stop_at = NULL;	/* NULL: do not stop */
static int64 stop_lock;			/* advisory lock to wait for */

/* Stop at the step of a name; clears the stop if there is no step of that name. */
static void
set_stop(const char *name, int64 lock)
{
	stop_at = NULL;
	stop_lock = lock;
	/* cppcheck-suppress comparePointers ; the two bounds of one section */
	for (BarqStep *const *step = __start_barq_steps; step < __stop_barq_steps; step++)
		if (strcmp((*step)->name, name) == 0)
			stop_at = *step;
}

/* Read the file into `order`. */
static void
read_order(void)
{
	FILE	   *file = fopen(POINT_FILE, "r");
	char		how[16];
	char		whom[16];

	order.read = true;
	if (file == NULL)
		return;
	if (fscanf(file, "crash %u %15s %15s %127[^\n]", &order.pass, how, whom,
			   order.name) == 4)
	{
		order.crash = true;
		order.flush = strcmp(how, "flush") == 0;
		order.server = strcmp(whom, "server") == 0;
		order.error = strcmp(whom, "error") == 0;
	}
	else if (rewind(file), fscanf(file, "stop %u %127[^\n]", &order.pass, order.name) == 2)
	{
		set_stop(order.name, order.pass);
		unlink(POINT_FILE);
	}
	else
		order.record = true;
	fclose(file);
}

/*
 * Append a step's name to the log, with a single write(), because other processes
 * append concurrently.
 */
static void
record_step(const BarqStep *step)
{
	int			fd = open(LOG_FILE, O_WRONLY | O_CREAT | O_APPEND, 0600);
	char		line[160];
	int			len = snprintf(line, sizeof(line), "%s\n", step->name);

	if (fd < 0 || write(fd, line, len) != len)
		abort();
	close(fd);
}

/*
 * Carry out an order to crash. Returns without effect if the error cannot be raised
 * here (at the end of a transaction).
 */
static void
crash(void)
{
	if (order.flush && XactLastRecEnd != InvalidXLogRecPtr)
		XLogFlush(XactLastRecEnd);
	unlink(POINT_FILE);
	if (order.error)
	{
		/* steps at the end of a transaction cannot fail: raise no error there */
		order.crash = false;
		if (!IsTransactionState())
			return;
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("stopped at step \"%s\"", order.name)));
	}
	if (order.server)
		kill(PostmasterPid, SIGKILL);
	kill(MyProcPid, SIGKILL);
	pause();
}

/* Wait until no process holds the advisory lock. */
static void
stop(void)
{
	stop_at = NULL;
	DirectFunctionCall1(pg_advisory_lock_shared_int8, Int64GetDatum(stop_lock));
	DirectFunctionCall1(pg_advisory_unlock_shared_int8, Int64GetDatum(stop_lock));
}

void
barq_step_reached(BarqStep *step)
{
	if (!order.read)
		read_order();
	if (stop_at == step)
		stop();
	if (order.record)
		record_step(step);
	if (order.crash && strcmp(order.name, step->name) == 0 &&
		++step->passed == order.pass)
		crash();
}

/* barq_crash_points(OUT name text, OUT file text, OUT line int): all steps */
Datum
barq_crash_points(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	/* cppcheck-suppress comparePointers ; the two bounds of one section */
	for (BarqStep *const *step = __start_barq_steps; step < __stop_barq_steps; step++)
	{
		Datum		values[3];
		bool		nulls[3] = {0};

		values[0] = CStringGetTextDatum((*step)->name);
		values[1] = CStringGetTextDatum((*step)->file);
		values[2] = Int32GetDatum((*step)->line);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/* barq_stop_at(name text, lock bigint): stop once at a step; '': at none */
Datum
barq_stop_at(PG_FUNCTION_ARGS)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(0));

	set_stop(name, PG_GETARG_INT64(1));
	if (stop_at == NULL && name[0] != '\0')
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no step \"%s\"", name)));
	PG_RETURN_VOID();
}

#endif							/* BARQ_CRASH_POINTS */
