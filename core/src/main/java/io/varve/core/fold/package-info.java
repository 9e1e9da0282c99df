/** The one function from a drive's log to its state: the agent, the topology and the audit all use it. */
@NullMarked
package io.varve.core.fold;

import org.jspecify.annotations.NullMarked;
