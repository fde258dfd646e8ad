/*
 * announce.c
 *	  Sending and receiving announcements, by PostgreSQL's invalidation messages.
 *
 * A relcache message would make every backend read the catalog's entries of the
 * index again. So an announcement is a message of a catalog cache whose entries
 * are rarely used and cheap to read again (transforms); its hash value is not one
 * of a tuple but names the index. Announcements are sent at once and belong to no
 * transaction, since workers that publish have none with an id. They are not
 * logged: on a standby, the process that removes files there announces it.
 *
 * Messages are read at the start of a transaction and before a lock. An idle
 * session reads them when PostgreSQL's catch-up interrupt tells it to, which
 * barq_announce sends to the sessions of the database.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/proc.h"
#include "storage/procsignal.h"
#include "storage/sinval.h"
#include "store/announce.h"
#include "store/residency.h"
#include "store/snapshot.h"
#include "utils/inval.h"
#include "utils/syscache.h"

/* The caches whose messages announce a directory, and files. */
#define DIRECTORY_CACHE	TRFOID
#define FILES_CACHE		TRFTYPELANG

/*
 * The hash value that announces a directory: the low bits of the relfilenode, and
 * those of its state, which counts publications and dead epochs. Two indexes whose
 * low bits are equal cost each other a directory read, no more.
 */
#define STATE_BITS		12
#define STATE_MASK		((UINT32_C(1) << STATE_BITS) - 1)

static uint32
directory_hash(BarqLocator locator, uint64 directory_version, uint64 dead_epoch)
{
	return ((uint32) BarqLocatorNumber(locator) << STATE_BITS) |
		((uint32) (directory_version + dead_epoch) & STATE_MASK);
}

bool
barq_announcement_concerns(const BarqAnnouncement *announcement, BarqLocator locator)
{
	if (announcement->all)
		return true;
	if (announcement->files)
		return announcement->hash == (uint32) BarqLocatorNumber(locator);
	return (announcement->hash ^ directory_hash(locator, 0, 0)) <= STATE_MASK;
}

bool
barq_announcement_is_newer(const BarqAnnouncement *announcement,
						   uint64 directory_version, uint64 dead_epoch)
{
	uint32		ahead;

	if (announcement->all || announcement->files)
		return announcement->all;
	ahead = (announcement->hash - (uint32) (directory_version + dead_epoch)) & STATE_MASK;
	return ahead > 0 && ahead <= STATE_MASK / 2;
}

/* Tell the other sessions of a database to read their messages. */
static void
wake_sessions(Oid database)
{
	for (int i = 0; i < MaxBackends; i++)
	{
		PGPROC	   *proc = &ProcGlobal->allProcs[i];
		pid_t		pid = proc->pid;

		/* without a lock: a session that starts or ends meanwhile holds nothing */
		if (pid != 0 && pid != MyProcPid && proc->databaseId == database)
			(void) SendProcSignal(pid, PROCSIG_CATCHUP_INTERRUPT, BarqProcBackend(proc));
	}
}

/* Send one message to the sessions of the locator's database. */
static void
announce(int cache, BarqLocator locator, uint32 hash)
{
	SharedInvalidationMessage message;

	memset(&message, 0, sizeof(message));
	message.cc.id = (int8) cache;
	message.cc.dbId = BarqLocatorDatabase(locator);
	message.cc.hashValue = hash;
	SendSharedInvalidMessages(&message, 1);
	wake_sessions(BarqLocatorDatabase(locator));
}

void
barq_announce_directory(Relation index, uint64 directory_version, uint64 dead_epoch)
{
	/* other sessions know nothing of a temporary relation */
	if (index->rd_backend != BarqInvalidBackend)
		return;
	announce(DIRECTORY_CACHE, BarqRelationLocator(index),
			 directory_hash(BarqRelationLocator(index), directory_version, dead_epoch));
}

void
barq_announce_files(BarqLocator locator)
{
	announce(FILES_CACHE, locator, (uint32) BarqLocatorNumber(locator));
}

/* SyscacheCallbackFunction; hash 0: of all entries, because messages were lost. */
static void
at_message(Datum arg, int cache, uint32 hash)
{
	BarqAnnouncement announcement = {
		.all = hash == 0, .files = cache == FILES_CACHE, .hash = hash
	};

	barq_snapshot_announced(&announcement);
	barq_residency_catch_up();
}

void
barq_announce_init(void)
{
	CacheRegisterSyscacheCallback(DIRECTORY_CACHE, at_message, (Datum) 0);
	CacheRegisterSyscacheCallback(FILES_CACHE, at_message, (Datum) 0);
}
