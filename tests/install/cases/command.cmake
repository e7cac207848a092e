configure(command)
run("building" ${CMAKE_COMMAND} --build ${case_dir})
run("running" ${case_dir}/app --version)
expect("pith ${VERSION}")
