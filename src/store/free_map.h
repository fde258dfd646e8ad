/*
 * free_map.h
 *	  The free space map of an index: which blocks it offers, read a map page (some
 *	  4,000 blocks) at a time, and whether it can be believed.
 *
 * The map is the list of free pages. It is not logged, so after a crash or on a
 * promoted standby it may offer pages in use, or lack free ones: a taker looks at
 * the stamp of the page (S6), and VACUUM looks at every page that nothing reaches,
 * once. It then notes in the metapage that the map is right (S20), and from then on
 * looks only at pages that the map does not offer.
 */
#ifndef BARQ_FREE_MAP_H
#define BARQ_FREE_MAP_H

#include "store/meta.h"

/*
 * Set the bits of those of the first nblocks blocks that the map offers, in a bitmap
 * of nblocks bits. strategy may be NULL. Checks for interrupts. The caller holds no
 * buffer lock.
 */
extern void barq_free_map_read(Relation index, BlockNumber nblocks, uint8 *offered,
							   BufferAccessStrategy strategy);

/*
 * A number that changes with every crash and every promotion: of the time at which the
 * server's statistics began and of the timeline. The server loses its statistics, as it
 * may lose a part of the free space map, if and only if it does not shut down properly.
 * (A reset by hand only makes the next VACUUM look again.) Never 0; not in recovery.
 */
extern uint64 barq_free_map_era(void);

/*
 * Was the map found right since the server's last crash or promotion (S20)? Reads
 * *meta and the server's statistics.
 */
extern bool barq_free_map_is_right(const BarqMeta *meta);

/*
 * Note by one record that the map is right: every page that nothing reaches is
 * stamped free and offered. The caller holds the maintenance lock.
 */
extern void barq_free_map_note_right(Relation index);

#endif							/* BARQ_FREE_MAP_H */
