"Tiny data sets of the course; see README.md in this folder for sources and licences"
