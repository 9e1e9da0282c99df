/** What happens to a drive, as its log tells it. */
@NullMarked
package io.varve.core.event;

import org.jspecify.annotations.NullMarked;
