/** The one cluster map over a chain: pure but for the records it asks for. */
@NullMarked
package io.varve.restore.merge;

import org.jspecify.annotations.NullMarked;
