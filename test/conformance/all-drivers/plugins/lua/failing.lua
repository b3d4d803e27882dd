function boom(request, session, spec)
  error("the hook broke")
end

function hang(request, session, spec)
  while true do end
end
