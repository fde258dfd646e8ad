/*
 * hybrid_addresses.c
 *	  Running the statements: the receiver of what they return; the parameters of those
 *	  over rows of known addresses.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "hybrid/hybrid.h"
#include "utils/array.h"

static void
receiver_startup(DestReceiver *self, int operation, TupleDesc desc)
{
}

static void
receiver_nothing(DestReceiver *self)
{
}

DestReceiver
barq_hybrid_receiver(bool (*receive) (TupleTableSlot *slot, DestReceiver *self))
{
	return (DestReceiver) {receive, receiver_startup, receiver_nothing, receiver_nothing, DestNone};
}

void
barq_hybrid_execute(SPIPlanPtr plan, ParamListInfo params, DestReceiver *receiver)
{
	SPIExecuteOptions options = {0};
	int			result;

	options.params = params;
	options.read_only = true;
	options.dest = receiver;
	result = SPI_execute_plan_extended(plan, &options);
	if (result < 0)
		elog(ERROR, "could not run a statement: %s", SPI_result_code_string(result));
}

bool
barq_hybrid_slot_address(TupleTableSlot *slot, BarqRowAddress *at)
{
	if (slot->tts_isnull[0] || slot->tts_isnull[1])
		return false;
	at->table = DatumGetObjectId(slot->tts_values[0]);
	at->tid = *(ItemPointer) DatumGetPointer(slot->tts_values[1]);
	return true;
}

/* Set a parameter to an array. */
static void
bind_array(ParamExternData *param, Oid type, ArrayType *array)
{
	param->pflags = PARAM_FLAG_CONST;
	param->ptype = type;
	param->value = PointerGetDatum(array);
}

void
barq_hybrid_bind_addresses(ParamListInfo params, int first, BarqRowAddress *at, int n)
{
	Datum	   *tids = palloc(sizeof(Datum) * n);
	Datum	   *tables = palloc(sizeof(Datum) * n);
	int			ntids = 0;
	int			ntables = 0;

	for (int i = 0; i < n; i++)
	{
		Assert(i == 0 || barq_address_compare(&at[i - 1], &at[i]) <= 0);
		if (i == 0 || barq_address_compare(&at[i], &at[i - 1]) != 0)
			tids[ntids++] = PointerGetDatum(&at[i].tid);
		if (i == 0 || at[i].table != at[i - 1].table)
			tables[ntables++] = ObjectIdGetDatum(at[i].table);
	}
	bind_array(&params->params[first], TIDARRAYOID,
			   construct_array(tids, ntids, TIDOID, sizeof(ItemPointerData), false, TYPALIGN_SHORT));
	if (params->numParams > first + 1)
		bind_array(&params->params[first + 1], OIDARRAYOID,
				   construct_array(tables, ntables, OIDOID, sizeof(Oid), true, TYPALIGN_INT));
	pfree(tids);
	pfree(tables);
}
