/*
 * steps.c
 *	  Crash points, in builds with BARQ_CRASH_POINTS=1 only.
 *
 * A file in the data directory, barq_crash_point, tells every process that
 * starts after it was written what to do:
 *
 *	  record
 *		  append the name of each step passed to barq_crash_log
 *	  crash <pass> <flush|lose> <backend|server|error> <name>
 *		  crash when this process comes to the step for the pass-th time:
 *		  with what it has written to WAL on disk or still in memory, taking
 *		  the postmaster along or leaving it to start the server anew; or
 *		  only raise an error there
 *
 * The file is removed first, so that each happens once.
 */
#include "postgres.h"

#include "store/steps.h"

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
#include "utils/tuplestore.h"

#define POINT_FILE	"barq_crash_point"
#define LOG_FILE	"barq_crash_log"

PGDLLEXPORT PG_FUNCTION_INFO_V1(barq_crash_points);

/* made by the linker: the section's bounds */
extern BarqStep *const __start_barq_steps[];
extern BarqStep *const __stop_barq_steps[];

typedef struct Order
{
	bool		read;
	bool		record;
	bool		crash;
	unsigned	pass;
	bool		flush;
	bool		server;
	bool		error;
	char		name[128];
} Order;

static Order order;

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
	else
		order.record = true;
	fclose(file);
}

/* A name is written whole, so that several processes can do it. */
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

static void
crash(void)
{
	if (order.flush && XactLastRecEnd != InvalidXLogRecPtr)
		XLogFlush(XactLastRecEnd);
	unlink(POINT_FILE);
	if (order.error)
	{
		/* nothing may fail in the end of a transaction, and nothing does */
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

void
barq_step_reached(BarqStep *step)
{
	if (!order.read)
		read_order();
	if (order.record)
		record_step(step);
	if (order.crash && strcmp(order.name, step->name) == 0 &&
		++step->passed == order.pass)
		crash();
}

/* barq_crash_points(OUT name text, OUT file text, OUT line int): all of them */
Datum
barq_crash_points(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
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

#endif							/* BARQ_CRASH_POINTS */
