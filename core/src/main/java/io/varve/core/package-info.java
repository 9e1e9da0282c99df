/**
 * The domain, pure, and the project's glossary.
 *
 * <p>A <b>drive</b> is a block device that a guest writes. Its write history is a row of <b>generations</b>: the layers
 * of writes between two cuts. Exactly one generation, the last, is <b>open</b>; a <b>seal</b> ends it and opens the
 * next. A <b>mark</b> is one dirty granule of a generation; marks only grow. A <b>dirty bitmap</b> holds no bits of its
 * own: it is a named set of generations, widened to its <b>granularity</b> (bytes of a granule, a power of two). An
 * <b>extent</b> is a range of bytes. A <b>cut</b> is the point between two generations at which a backup stands, and
 * the set of generations that it copies. A <b>sync point</b> is one cut across several drives. An <b>anchor</b> is the
 * committed sync point since which a bitmap holds every write. A <b>unit</b> is what one decision commits or aborts: a
 * grouped sync point, or one drive of an individual one. An <b>incarnation</b> is one attachment of an agent to a
 * drive; a <b>journal</b> is the agent's durable record of a drive, which incarnations inherit from each other. A
 * <b>cluster</b> is the allocation unit of a qcow2 image.
 *
 * <p>Where to start: {@link io.varve.core.fold.Fold}, the one function from the log to a drive's state.
 */
@NullMarked
package io.varve.core;

import org.jspecify.annotations.NullMarked;
