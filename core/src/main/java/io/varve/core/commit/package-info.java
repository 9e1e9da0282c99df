/** From the parts of a sync point to its one decision. */
@NullMarked
package io.varve.core.commit;

import org.jspecify.annotations.NullMarked;
