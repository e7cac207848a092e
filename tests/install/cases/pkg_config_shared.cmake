set(ENV{PKG_CONFIG_PATH} ${prefix}/${LIBDIR}/pkgconfig)
run("asking for flags" pkg-config --cflags --libs pith)
separate_arguments(package UNIX_COMMAND "${output}")
run("compiling" ${CXX} -std=c++20 ${sanitize} ${projects}/app/main.cpp -o ${case_dir}/app ${package}
  -Wl,-rpath,${prefix}/${LIBDIR})
run("running" ${case_dir}/app ${WORK_DIR}/no-such-model.gguf)
run("asking for the version" pkg-config --modversion pith)
expect(${VERSION})
