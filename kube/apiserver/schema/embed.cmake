# Writes a .cc that holds a text file: cmake -DIN=data.json -DOUT=data.cc -DNAME=kData -P embed.cmake
# The text is an array of pieces that ends with an empty one, because compilers bound the length of one literal.
file(READ "${IN}" text)
string(LENGTH "${text}" length)
set(pieces "")
set(at 0)
while(at LESS length)
  string(SUBSTRING "${text}" ${at} 16000 piece)
  string(APPEND pieces "R\"data(${piece})data\",\n")
  math(EXPR at "${at} + 16000")
endwhile()
file(WRITE "${OUT}" "#include <string_view>\nnamespace kube::apiserver {\nextern const std::string_view ${NAME}[];\nconst std::string_view ${NAME}[] = {\n${pieces}{}};\n}\n")
