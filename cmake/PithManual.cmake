# Manual pages and shell completions, which the command writes itself from its tables of options: `pith man --all FOLDER`
# lays them out like a prefix's share. Pages are compressed, as Debian wants them.
find_program(PITH_GZIP gzip)
set(pith_manual_dir ${PROJECT_BINARY_DIR}/manual)
if(NOT CMAKE_CROSSCOMPILING)
  add_custom_command(OUTPUT ${pith_manual_dir}/written
    COMMAND ${CMAKE_COMMAND} -D TOOL=$<TARGET_FILE:pith_tool> -D FOLDER=${pith_manual_dir} -D GZIP=${PITH_GZIP}
            -P ${CMAKE_CURRENT_LIST_DIR}/PithWriteManual.cmake
    DEPENDS pith_tool VERBATIM)
  add_custom_target(pith_manual ALL DEPENDS ${pith_manual_dir}/written)
  install(DIRECTORY ${pith_manual_dir}/share/ DESTINATION ${CMAKE_INSTALL_DATAROOTDIR} COMPONENT command OPTIONAL)
endif()
