# The shared library needs no other package, and its exceptions reach a program whose own symbols are hidden.
set(flags "-fvisibility=hidden -fvisibility-inlines-hidden")
configure(app -D SOURCE=main.cpp -D KIND=shared -D CMAKE_DISABLE_FIND_PACKAGE_fmt=ON
  -D CMAKE_DISABLE_FIND_PACKAGE_spdlog=ON -D CMAKE_DISABLE_FIND_PACKAGE_PkgConfig=ON)
build_and_run()
run("what the program loads" readelf -d ${case_dir}/app)
expect("libpith.so.0.1")
