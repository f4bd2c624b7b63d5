"""Which test says which sentence of the reference, parts 1.1 to 1.5? Every sentence names at least one, and the test is there."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
TIME, CONTEXT, TREES, DISCRETE = (f"acceptance/test_1_{name}" for name in ("1_timeperiods", "2_context", "3_trees", "4_discrete"))
ZONES = "unit/test_calendars"
SWITCHES, CHANGES, EVENTS, LATENESS = (f"unit/test_{name}" for name in ("switches", "context_changes", "events", "lateness"))
RECOMPUTING, FREERUN, FREERUN_COMMANDS = (f"unit/test_{name}" for name in ("recomputing", "freerun_engine", "freerun_commands"))
LATE_ROWS = "unit/test_late_rows"
LIVE, COMMANDS, DEPENDENCIES = "unit/test_engine_live", "unit/test_commands", "unit/test_dependencies"

SENTENCES: list[tuple[str, str, str]] = [
    # -- 1.1 timeperiods
    ("each qualifier has its format", TIME, "each_qualifier_has_its_format"),
    ("ids sort lexically as chronologically inside one qualifier", TIME, "ids_sort_as_text_as_they_sort_in_time"),
    ("an hourly midnight and its day share a string", TIME, "an_hourly_midnight_and_its_day_share_a_string"),
    ("bad ids are refused by id, qualifier and format", TIME,
     "a_malformed_impossible_or_ambiguous_id_is_refused_by_its_name_qualifier_and_format"),
    ("a qualifier is one entry in one file", TIME, "a_qualifier_is_one_entry_of_one_table"),
    ("grouping: hourly 1..23, daily 1..28, monthly 1..12, yearly 1", TIME, "grouping_goes_up_to"),
    ("never across the enclosing unit", TIME, "no_group_crosses_its_enclosing_unit"),
    ("a group ends at the first multiple, capped at the upper bound", TIME, "a_group_ends_at_a_multiple_or_at_the_units_upper_bound"),
    ("token 00 is never a group end", TIME, "token_00_ends_no_group"),
    ("what ends no group becomes NOOP without a uow", TIME, "a_period_that_ends_no_group_becomes_noop_without_a_unit_of_work"),
    ("a window is half open", TIME, "a_unit_of_works_window_is_half_open_from_its_groups_start"),
    ("its start is the period when N = 1", TIME, "without_grouping_the_window_is_the_period"),
    ("else the first id after the previous group end", TIME, "a_window_of_three_starts_after_the_group_before"),
    ("hourly ids are always UTC", ZONES, "hours_are_those_of_utc_and_dates_are_dates_everywhere"),
    ("a time zone belongs to a tree", "unit/test_engine_zones", "fault_27_a_day_on_which_clocks_change_runs_once_after_each_of_its_hours"),
    ("and shifts its daily and coarser bounds", ZONES, "months_and_years_begin_with_their_first_day"),
    ("a local day has 23, 24 or 25 hourly children", ZONES, "a_day_begins_at_the_first_instant_of_its_date"),
    ("a zone off the whole hour is refused over an hourly level", "unit/test_zone_check", "any_other_is_refused_with_the_reason"),
    # -- 1.2 the process context
    ("managed entries: names and defaults", CONTEXT, "a_managed_entry_has_these_defaults"),
    ("managed entries: the other fields", CONTEXT, "a_managed_entry_has_these_fields_too"),
    ("freerun entries", CONTEXT, "a_freerun_entry_takes_the_names_in_this_order"),
    ("daemons, queues and trees", CONTEXT, "daemons_queues_and_trees_have_factories_too"),
    ("default queue and exchanges", CONTEXT, "a_queue_is_called_by_token_and_qualifier_and_exchanges_have_these_names"),
    ("all faults are listed at once", CONTEXT, "all_faults_are_listed_at_once"),
    ("a dependency cycle is refused", CONTEXT, "a_dependency_cycle_is_refused"),
    ("two processes of one qualifier in a tree are refused", CONTEXT, "two_processes_of_one_qualifier_in_a_tree_are_refused"),
    ("a shared queue is refused", CONTEXT, "a_shared_queue_is_refused"),
    ("bad class path, schedule, grouping are refused", CONTEXT, "a_bad_field_is_named"),
    ("schedules are printed back as given", CONTEXT, "a_schedule_is_taken_and_printed_back_as_it_was_given"),
    ("schedules are validated", CONTEXT, "what_is_no_schedule_is_refused"),
    ("D = 0 Monday to 6 Sunday", CONTEXT, "day_0_is_monday_and_day_6_sunday"),
    ("operators' changes survive restarts and are never wiped", SWITCHES,
     "fault_19_a_new_context_does_not_wipe_what_an_operator_switched"),
    ("... of freerun entries as well", FREERUN_COMMANDS,
     "fault_17_and_19_a_change_from_every_to_at_lasts_over_restarts_and_changes_of_the_context"),
    ("start is stored when first registered; a change is not led by before a yes", CHANGES,
     "nothing_is_led_or_recomputed_before_somebody_says_yes"),
    ("a plan shows what a moved start would do", CHANGES, "a_start_that_moved_earlier_brings_periods_into_being"),
    ("... and a grouping", CHANGES, "another_grouping_names_the_periods_that_stand_for_another_group"),
    ("... and a level", CHANGES, "a_level_below_ten_finished_years_leaves_them_finished"),
    ("... and a tree", CHANGES, "a_process_that_moves_to_another_tree_keeps_its_history"),
    ("... and a dependency", CHANGES, "a_tree_that_is_added_as_a_dependency_leaves_finished_periods_alone"),
    ("harmless changes leave the shape", "unit/test_context_check", "harmless_changes_leave_the_shape"),
    ("finished parents stay finished", CHANGES, "finished_parents_stay_finished_when_their_new_children_run"),
    ("unless --reopen", CHANGES, "finished_parents_run_again_after_their_children_when_they_are_reopened"),
    ("a changed qualifier is a new process name", CHANGES, "another_qualifier_can_not_be_applied"),
    ("rows of processes that left are kept", CHANGES, "what_runs_of_a_process_that_left_blocks_nobody_and_is_settled_when_it_is_back"),
    ("periods before a dependency's start count as satisfied", DEPENDENCIES,
     "a_period_waits_for_what_it_depends_on_and_before_the_start_is_nothing_to_wait_for"),
    ("catchup", SWITCHES, "what_was_missed_before_the_first_registration_runs_as_catchup_says"),
    ("in_order", DEPENDENCIES, "a_process_in_order_starts_a_period_after_the_one_before_it_has_finished"),
    ("deadline", LATENESS, "a_period_is_late_from_its_deadline_on"),
    # -- 1.3 trees and dependencies
    ("at most one process per qualifier", TREES, "a_tree_holds_at_most_one_process_per_qualifier"),
    ("any subset of levels; the parent is the next coarser", TREES,
     "any_subset_of_levels_makes_a_tree_whose_parents_are_the_next_coarser_ones"),
    ("a parent finalizes only when every child is finished", TREES, "a_parent_finalizes_only_when_every_child_is_finished"),
    ("cross-tree: the same period of each named tree", TREES,
     "a_node_depends_on_the_same_period_of_each_named_tree_that_has_a_process_there"),
    ("AND over all of them", TREES, "all_dependencies_are_waited_for"),
    ("an offset, the own past included", TREES, "a_period_may_depend_on_the_one_before_it"),
    ("a window", DEPENDENCIES, "a_window_waits_for_all_its_periods"),
    ("any-of", DEPENDENCIES, "any_of_several_waits_until_one_is_good_or_all_are_finished"),
    ("optional ones", DEPENDENCIES, "an_optional_one_is_waited_for_and_its_skip_counts_for_nothing"),
    ("coarse on fine, fine on coarse, offsets in the dependency's unit", TREES,
     "coarse_on_fine_is_all_inside_fine_on_coarse_what_contains_it_and_an_offset_counts_in_the_dependencys_unit"),
    ("a cycle is a fault unless it leads into the past", TREES, "a_cycle_is_a_fault_unless_its_offsets_sum_to_the_past"),
    ("grouping and dependencies", TREES, "a_grouped_job_depends_on_the_counterparts_of_its_window_to_their_groups_end"),
    ("continuous: a group is open from its window's start", LIVE, "a_group_is_open_from_its_windows_start_under_the_id_of_its_end"),
    ("the table of a dependency's states", TREES, "the_table_of_a_dependencys_states"),
    ("the table of the gates", TREES, "the_table_of_the_gates"),
    ("a skipped dependency skips at once", TREES, "a_job_behind_a_skipped_dependency_is_skipped_at_once_with_that_reason"),
    ("all of it against brute force", "acceptance/test_brute_force", "every_period_is_at_every_round_where_the_rules_say_it_is"),
    # -- 1.4 states
    ("the states", DISCRETE, "the_states_have_these_names"),
    ("discrete: after the period has ended, plus lag", DISCRETE, "a_job_is_opened_after_its_period_has_ended_plus_the_lag"),
    ("default lag 5 minutes", DISCRETE, "the_lag_is_five_minutes_where_nothing_is_said"),
    ("discrete: one uow per job", DISCRETE, "there_is_one_unit_of_work_per_job"),
    ("EMBRYO -> IN_PROGRESS", DISCRETE, "a_requested_unit_of_work_makes_its_job_in_progress"),
    ("processed, noop, canceled", DISCRETE, "the_outcome_of_the_work_is_that_of_the_job"),
    ("not finalizable: wait", DISCRETE, "a_job_that_is_not_finalizable_waits_with_its_outcome"),
    ("run once more if an input was settled later", DISCRETE, "fault_31_it_runs_once_more_where_an_input_was_settled_after_it_was_opened"),
    ("else finish with what it has", DISCRETE, "it_finishes_with_the_outcome_that_it_has_where_no_input_was"),
    ("canceled for failure: no waiting", DISCRETE, "a_unit_of_work_canceled_for_failure_finishes_its_job_without_waiting"),
    ("continuous: a uow each frequency on the open period", LIVE, "it_runs_when_its_period_begins_and_each_time_its_frequency_says"),
    ("once the last one finished", LIVE, "a_run_that_takes_longer_than_the_frequency_is_followed_at_once"),
    ("the final run finishes the job", LIVE, "the_final_run_comes_at_the_close_and_finishes_the_job"),
    ("FINAL_RUN returns to IN_PROGRESS", LIVE, "a_reopened_hour_takes_its_day_back_from_its_final_run"),
    ("a final run that fails for good is held", LIVE, "a_final_run_that_fails_for_good_is_held_where_earlier_ones_succeeded"),
    ("a failure is INVALID and due again after a backoff", DISCRETE, "a_failed_attempt_is_invalid_and_due_again_after_its_backoff"),
    ("exponential, capped at 15 minutes, jittered", DISCRETE, "the_backoff_grows_exponentially_to_15_minutes_and_is_jittered"),
    ("life support of 48 hours", DISCRETE, "attempts_have_no_limit_but_life_support_of_48_hours_from_the_first_failure"),
    ("then CANCELED with reason failed, SKIPPED", DISCRETE,
     "used_up_attempts_cancel_the_unit_of_work_with_the_reason_failed_and_skip_the_job"),
    ("on_failure='hold'", DISCRETE, "on_failure_hold_holds_the_job_for_an_operator"),
    ("shown as failing", DISCRETE, "from_the_first_failure_on_it_is_shown_as_failing"),
    ("a loss is no failure: due at once", DISCRETE, "a_loss_is_no_failure_and_is_due_again_at_once"),
    ("limit of 5, then held", DISCRETE, "losses_have_a_limit_of_5_and_then_the_job_is_held"),
    ("given back: neither", DISCRETE, "a_claim_given_back_before_it_started_is_neither"),
    ("recomputing: the slice that is new", RECOMPUTING, "the_next_run_covers_what_is_new"),
    ("lowest and highest key are asked from the source", RECOMPUTING, "a_run_covers_the_rows_that_are_there"),
    ("widened in place instead of doubled", RECOMPUTING, "a_requested_run_that_nobody_has_claimed_is_widened_in_place"),
    ("the final run covers the whole window", RECOMPUTING, "the_final_run_covers_the_whole_window"),
    ("unless nothing is new: finish at once", RECOMPUTING, "where_nothing_is_new_the_job_is_finished_at_once"),
    ("no rows: wait while open, then NOOP", RECOMPUTING, "fault_16_an_hour_without_rows_waits_while_it_is_open_and_is_noop_after_that"),
    ("freerun: a trigger makes a uow", FREERUN, "an_entry_fires_by_its_schedule_and_is_settled"),
    ("overlap: skip", FREERUN, "skip_lets_a_fire_go_while_the_last_one_is_not_over"),
    ("overlap: queue", FREERUN, "queue_keeps_fires_up_to_its_bound_in_order"),
    ("overlap: allow", FREERUN, "allow_runs_so_many_at_once"),
    ("overlap: replace", FREERUN, "replace_opens_the_successor_only_after_the_predecessor_has_ended"),
    ("arguments are copied, never shared", "unit/test_context", "fault_12_arguments_are_copied_and_never_shared_between_entries"),
    # -- 1.5 operators
    ("reprocess: ancestors and dependants, once, in order", COMMANDS, "a_reprocess_runs_the_node_and_its_ancestors_again_once_in_order"),
    ("reprocess: uows in flight are canceled", COMMANDS, "fault_13_reprocessing_a_running_job_runs_it_again_instead_of_skipping_it"),
    ("reprocess: behind its gate", COMMANDS, "fault_14_a_reprocessed_hour_runs_before_its_parents_whatever_their_type"),
    ("a preview lists what it will touch", "unit/test_plans", "the_plan_is_what_then_happens"),
    ("a range is one action", COMMANDS, "a_range_is_half_open_and_one_command"),
    ("skip: the unfinished ones with descendants", COMMANDS, "a_skip_gives_up_what_is_not_finished_with_its_descendants"),
    ("skip: uows in flight are canceled too", COMMANDS, "a_skip_ends_what_runs_first"),
    ("what an operator skipped is reopened by name only", COMMANDS, "what_an_operator_skipped_is_reopened_only_by_its_name"),
    ("hold", COMMANDS, "a_held_period_waits_and_says_why_and_what_to_press"),
    ("release", COMMANDS, "a_released_period_runs"),
    ("cancel: told, ended, stays canceled", COMMANDS, "a_running_one_ends_first_and_then_the_job_is_skipped"),
    ("an outcome that was first wins", COMMANDS, "an_outcome_that_was_written_first_wins"),
    ("off: blocker since, by, reason", SWITCHES, "why_says_since_when_by_whom_and_what_to_press"),
    ("off: periods wait; on goes on", SWITCHES, "off_stops_what_is_not_requested_yet_and_on_lets_it_go_on_at_once"),
    ("on again follows catchup", SWITCHES, "what_was_missed_while_off_runs_as_catchup_says"),
    ("trigger now", SWITCHES, "a_trigger_runs_a_period_before_its_schedule"),
    ("change the frequency, at once, without restart", SWITCHES, "a_schedule_changes_at_once_in_both_directions"),
    ("also from every to at", SWITCHES, "fault_17_another_kind_of_schedule_leaves_the_process_on"),
    ("persisted", SWITCHES, "a_new_scheduler_reads_how_processes_are_switched"),
    ("late data: the finished parent is reprocessed, once", LATE_ROWS, "a_late_row_reopens_its_hour_and_its_day_once"),
    ("... after the child", LATE_ROWS, "the_day_runs_after_its_reopened_hour"),
    ("event log: who, what, when", EVENTS, "a_reprocess_tells_how_it_was_and_of_whom"),
]


@cache
def names_in(path: str) -> frozenset[str]:
    """Return the names of a file's tests."""
    tree = ast.parse((TESTS / f"{path}.py").read_text())
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize(("path", "name"), [pytest.param(path, name, id=sentence) for sentence, path, name in SENTENCES])
def test_the_sentence_has_its_test(path: str, name: str) -> None:
    assert f"test_{name}" in names_in(path)
