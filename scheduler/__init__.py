"""The scheduler: keeps the timetable and decides what runs next."""
