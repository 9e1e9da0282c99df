/** What an agent that attaches to a drive again makes of what its last run left. */
@NullMarked
package io.varve.core.recovery;

import org.jspecify.annotations.NullMarked;
