configure(documents -D PITH_DOCUMENTS=${PROJECT_DIR}/README.md,${PROJECT_DIR}/docs/api.md)
build_and_run()
