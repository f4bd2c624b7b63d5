"""The questions of the dashboard's areas, one file each; `mx.desk` joins them."""
