/**
 * Drives in QEMU's image format qcow2: read and written in place (QEMU's docs/interop/qcow2.txt).
 *
 * <p>What a kill or a power cut at any moment leaves: at worst clusters that are counted and unused. For that,
 *
 * <ol>
 *   <li>a cluster's refcount is durable before anything refers to it: clusters are counted in batches, ahead;
 *   <li>a counted cluster reads as zeros, durably, until it's used, so that a part of it can be written alone;
 *   <li>where old content is copied, the copy is durable before the table refers to it;
 *   <li>a cluster is uncounted, and used again, once it's durable that nothing refers to it, and no request that found
 *       it before is in progress.
 * </ol>
 *
 * <p>The bitmaps that an image keeps are read and stored as QEMU does it
 * ({@link io.varve.capture.backend.qcow2.ImageBitmaps}); after a cut they're gone, or inconsistent, or right.
 *
 * <p>A completed write has reached the host's kernel, with its tables: it outlives the agent, flushed or not.
 */
@NullMarked
package io.varve.capture.backend.qcow2;

import org.jspecify.annotations.NullMarked;
